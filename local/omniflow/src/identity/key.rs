//! The public keys of an issuer (RFC 7517, RFC 7518).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ring::signature::{
    self, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};
use serde::Deserialize;

/// An algorithm that tokens may be signed with (RFC 7518, section 3.1). There is none without a key, and none whose key
/// is a secret that is shared with the issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
}

impl Algorithm {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "RS256" => Self::Rs256,
            "RS384" => Self::Rs384,
            "RS512" => Self::Rs512,
            "PS256" => Self::Ps256,
            "PS384" => Self::Ps384,
            "PS512" => Self::Ps512,
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            _ => return None,
        })
    }
}

/// How a signature is verified. Keys of RSA have at least 2,048 bits (RFC 7518, section 3.3).
enum Verification {
    Rsa(&'static RsaParameters),
    Curve(Curve, &'static dyn VerificationAlgorithm),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Curve {
    P256,
    P384,
}

fn verification(algorithm: Algorithm) -> Verification {
    match algorithm {
        Algorithm::Rs256 => Verification::Rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
        Algorithm::Rs384 => Verification::Rsa(&signature::RSA_PKCS1_2048_8192_SHA384),
        Algorithm::Rs512 => Verification::Rsa(&signature::RSA_PKCS1_2048_8192_SHA512),
        Algorithm::Ps256 => Verification::Rsa(&signature::RSA_PSS_2048_8192_SHA256),
        Algorithm::Ps384 => Verification::Rsa(&signature::RSA_PSS_2048_8192_SHA384),
        Algorithm::Ps512 => Verification::Rsa(&signature::RSA_PSS_2048_8192_SHA512),
        Algorithm::Es256 => Verification::Curve(Curve::P256, &signature::ECDSA_P256_SHA256_FIXED),
        Algorithm::Es384 => Verification::Curve(Curve::P384, &signature::ECDSA_P384_SHA384_FIXED),
    }
}

/// A public key of the issuer.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) id: Option<String>,
    /// The one algorithm that the issuer has it for, if it says so.
    only_for: Option<String>,
    material: Material,
}

#[derive(Debug, Clone)]
enum Material {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// The point in the uncompressed form (SEC 1, section 2.3.3).
    Curve {
        curve: Curve,
        point: Vec<u8>,
    },
}

/// A key as an issuer publishes it.
#[derive(Deserialize)]
struct Published {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    r#use: Option<String>,
    n: Option<String>,
    e: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Key {
    /// The key that is published so; `None` for one that signs no tokens, or is of a kind that isn't known here. Issuers
    /// publish such keys beside the others.
    pub(super) fn published(key: &serde_json::Value) -> Option<Self> {
        let published = Published::deserialize(key).ok()?;
        if published.r#use.as_deref().is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        let bytes = |text: Option<String>| BASE64.decode(text?).ok();
        let material = match (published.kty.as_str(), published.crv.as_deref()) {
            ("RSA", _) => Material::Rsa { n: bytes(published.n)?, e: bytes(published.e)? },
            ("EC", Some("P-256")) => {
                Material::Curve { curve: Curve::P256, point: point(bytes(published.x)?, bytes(published.y)?) }
            }
            ("EC", Some("P-384")) => {
                Material::Curve { curve: Curve::P384, point: point(bytes(published.x)?, bytes(published.y)?) }
            }
            _ => return None,
        };
        Some(Self { id: published.kid, only_for: published.alg, material })
    }

    /// Whether tokens with this algorithm may be signed with this key.
    pub(super) fn is_for(&self, algorithm: Algorithm) -> bool {
        let is_meant = self.only_for.as_ref().is_none_or(|name| Algorithm::named(name) == Some(algorithm));
        is_meant
            && match (verification(algorithm), &self.material) {
                (Verification::Rsa(_), Material::Rsa { .. }) => true,
                (Verification::Curve(wanted, _), Material::Curve { curve, .. }) => wanted == *curve,
                _ => false,
            }
    }

    /// Whether the private half of this key has made the signature.
    pub(super) fn has_signed(&self, algorithm: Algorithm, signed: &[u8], signature: &[u8]) -> bool {
        match (verification(algorithm), &self.material) {
            (Verification::Rsa(parameters), Material::Rsa { n, e }) => {
                RsaPublicKeyComponents { n, e }.verify(parameters, signed, signature).is_ok()
            }
            (Verification::Curve(wanted, algorithm), Material::Curve { curve, point })
                if wanted == *curve =>
            {
                UnparsedPublicKey::new(algorithm, point).verify(signed, signature).is_ok()
            }
            _ => false,
        }
    }
}

fn point(x: Vec<u8>, y: Vec<u8>) -> Vec<u8> {
    [vec![4], x, y].concat()
}
