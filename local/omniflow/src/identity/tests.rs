//! Tokens of an issuer that a test makes: its keys, what it says of itself, and the time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ambient::ManualClock;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use chrono::DateTime;
use http::{HeaderMap, StatusCode};
use omniflow_services::Environment;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

use super::*;

/// The time at which the tests begin, in seconds since 1970.
const NOW: i64 = 1_800_000_100;
/// Keys and tokens of RSA, which can't be made here: `{key, tokens: {ALGORITHM: token}, short: {key, token}}`. They are of
/// the issuer https://id.example, for the audience omniflow, valid for an hour from 1,800,000,000; the key that is
/// short has 1,024 bits.
const RSA: &str = include_str!("rsa.json");

/// A key with which a test signs tokens by ES256.
struct Signer {
    pair: EcdsaKeyPair,
    id: String,
}

impl Signer {
    fn new(id: &str) -> Self {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random);
        Self { pair: pair.unwrap(), id: id.to_owned() }
    }

    fn published(&self) -> Value {
        let point = &self.pair.public_key().as_ref()[1..];
        let (x, y) = point.split_at(32);
        json!({ "kty": "EC", "crv": "P-256", "kid": self.id, "use": "sig", "x": BASE64.encode(x), "y": BASE64.encode(y) })
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| BASE64.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", BASE64.encode(signature.as_ref()))
    }

    /// A token whose header is the usual one.
    fn token(&self, claims: &Value) -> String {
        self.sign(&json!({ "alg": "ES256", "kid": self.id }), claims)
    }
}

/// What the issuer of a test answers.
#[derive(Default)]
struct Told {
    keys: Mutex<Vec<Value>>,
    /// What it calls itself, where that is not what it is.
    name: Mutex<Option<String>>,
    asked: AtomicUsize,
    is_down: Mutex<bool>,
}

/// An issuer on this machine, with a server that recognises its tokens.
struct Setting {
    url: String,
    told: Arc<Told>,
    clock: ManualClock,
    identity: Identity,
}

async fn setting(keys: Vec<Value>) -> Setting {
    let told = Arc::new(Told { keys: Mutex::new(keys), ..Told::default() });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let own = url.clone();
    let describe = move |State(told): State<Arc<Told>>| {
        let own = own.clone();
        async move {
            told.asked.fetch_add(1, Ordering::Relaxed);
            let name = told.name.lock().unwrap().clone().unwrap_or(own.clone());
            let status = if *told.is_down.lock().unwrap() { StatusCode::BAD_GATEWAY } else { StatusCode::OK };
            (status, json!({ "issuer": name, "jwks_uri": format!("{own}/jwks") }).to_string())
        }
    };
    let publish = |State(told): State<Arc<Told>>| async move {
        json!({ "keys": *told.keys.lock().unwrap() }).to_string()
    };
    let router = Router::new().route("/.well-known/openid-configuration", get(describe));
    let router = router.route("/jwks", get(publish)).with_state(Arc::clone(&told));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let clock = ManualClock::starting_at(DateTime::from_timestamp(NOW, 0).unwrap());
    let identity = identity(&url, &clock);
    Setting { url, told, clock, identity }
}

fn identity(issuer: &str, clock: &ManualClock) -> Identity {
    let set = [("OPERATOR_SCOPE", "omniflow/operate"), ("OPERATOR_CLAIM", ""), ("OPERATOR_VALUE", "")];
    let set = set.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let operators = Operators::new(&Environment::from_pairs(set)).unwrap();
    let audiences = vec!["omniflow".to_owned(), "other".to_owned()];
    let authorizer = Authorizer { issuer: issuer.to_owned(), audiences };
    Identity::new(authorizer, operators, Arc::new(clock.clone())).unwrap()
}

impl Setting {
    /// The claims of a token that is taken, changed as the test says; null takes a claim away.
    fn claims(&self, changes: Value) -> Value {
        let mut claims = json!({ "iss": self.url, "aud": "omniflow", "sub": "ann", "exp": NOW + 300 });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        claims
    }

    async fn recognise(&self, token: &str) -> Result<Claims, Problem> {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
        self.identity.recognise(&headers).await
    }

    /// Why a token is not taken; nothing when it is.
    async fn refusal(&self, token: &str) -> String {
        match self.recognise(token).await {
            Ok(_) => String::new(),
            Err(problem) => {
                assert_eq!(problem.kind, Kind::Unauthorized, "{}", problem.detail);
                problem.detail
            }
        }
    }
}

#[tokio::test]
async fn what_the_token_says_reaches_the_function_as_api_gateway_writes_it() {
    let signer = Signer::new("a");
    let setting = setting(vec![signer.published()]).await;
    let claims = setting.claims(json!({
        "scope": "openid omniflow/operate", "cognito:groups": ["operators", "staff"], "n": 7, "email_verified": true,
    }));
    let claims = setting.recognise(&signer.token(&claims)).await.unwrap();
    let expected = json!({
        "iss": setting.url, "aud": "omniflow", "sub": "ann", "exp": (NOW + 300).to_string(),
        "scope": "openid omniflow/operate", "cognito:groups": "[operators staff]", "n": "7", "email_verified": "true",
    });
    let wanted = ["omniflow/operate".to_owned()];
    let authorizer = setting.identity.authorize(&claims, &wanted).unwrap();
    assert_eq!(authorizer, json!({ "jwt": { "claims": expected, "scopes": wanted } }));
    assert_eq!(setting.identity.authorize(&claims, &[]).unwrap()["jwt"]["scopes"], Value::Null);
    assert!(setting.identity.is_operator(&claims));

    let customer =
        setting.recognise(&signer.token(&setting.claims(json!({ "scp": ["openid"] })))).await.unwrap();
    assert_eq!(setting.identity.authorize(&customer, &wanted).unwrap_err().kind, Kind::Forbidden);
    assert!(!setting.identity.is_operator(&customer));
}

#[tokio::test]
async fn a_token_is_for_this_issuer_this_audience_and_this_time() {
    let signer = Signer::new("a");
    let setting = setting(vec![signer.published()]).await;
    for taken in [
        json!({}),
        json!({ "aud": ["someone", "other"] }),
        // Amazon Cognito's access tokens have no audience.
        json!({ "aud": null, "client_id": "omniflow" }),
        json!({ "exp": NOW - 59 }),
        json!({ "exp": NOW as f64 + 0.5 }),
        json!({ "nbf": NOW + 60, "iat": NOW + 60 }),
    ] {
        let token = signer.token(&setting.claims(taken.clone()));
        assert_eq!(setting.refusal(&token).await, "", "{taken}");
    }
    for (refused, said) in [
        (json!({ "iss": "https://id.example" }), "'iss'"),
        (json!({ "iss": null }), "'iss'"),
        (json!({ "iss": [setting.url] }), "'iss'"),
        (json!({ "aud": "else" }), "'aud'"),
        (json!({ "aud": null }), "'aud'"),
        (json!({ "aud": "else", "client_id": "omniflow" }), "'aud'"),
        (json!({ "aud": [] , "client_id": "omniflow" }), "'aud'"),
        (json!({ "exp": NOW - 60 }), "expired"),
        (json!({ "exp": null }), "'exp'"),
        (json!({ "exp": "9999999999" }), "'exp'"),
        (json!({ "nbf": NOW + 61 }), "'nbf'"),
        (json!({ "nbf": "0" }), "'nbf'"),
        (json!({ "iat": NOW + 61 }), "'iat'"),
    ] {
        let token = signer.token(&setting.claims(refused.clone()));
        let detail = setting.refusal(&token).await;
        assert!(detail.contains(said), "{refused}: {detail}");
    }
}

#[tokio::test]
async fn only_the_issuers_keys_and_strong_algorithms_are_believed() {
    let (signer, stranger) = (Signer::new("a"), Signer::new("a"));
    let mut for_encryption = Signer::new("b").published();
    for_encryption["use"] = json!("enc");
    let unknown = json!({ "kty": "OKP", "crv": "X25519", "kid": "c", "x": "AA" });
    let setting = setting(vec![unknown, for_encryption, signer.published()]).await;
    let claims = setting.claims(json!({}));
    let (good, forged) = (signer.token(&claims), stranger.token(&claims));
    assert_eq!(setting.refusal(&good).await, "");
    assert!(setting.refusal(&forged).await.contains("signature"));

    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (header, payload) = signed.split_once('.').unwrap();
    let part = |value: Value| BASE64.encode(value.to_string());
    let raised = part(setting.claims(json!({ "scope": "omniflow/operate" })));
    for (token, said) in [
        (format!("{header}.{raised}.{signature}"), "signature"),
        (format!("{header}.{payload}."), "signature"),
        (format!("{}.{payload}.", part(json!({ "alg": "none" }))), "'none'"),
        (signer.sign(&json!({ "alg": "HS256", "kid": "a" }), &claims), "'HS256'"),
        (signer.sign(&json!({ "alg": "es256", "kid": "a" }), &claims), "'es256'"),
        (signer.sign(&json!({ "alg": "RS256", "kid": "a" }), &claims), "key"),
        (signer.sign(&json!({ "alg": "ES256", "kid": "b" }), &claims), "key"),
        (signer.sign(&json!({ "alg": "ES256", "kid": "a", "crit": ["exp"] }), &claims), "critical"),
        (signer.sign(&json!({ "alg": "ES256", "kid": "a", "typ": "logout+jwt" }), &claims), "'logout+jwt'"),
        (signed.to_owned(), "three parts"),
        (format!("{good}.x"), "three parts"),
        ("..".to_owned(), "three parts"),
        ("x".repeat(20_000), "three parts"),
    ] {
        let detail = setting.refusal(&token).await;
        assert!(detail.contains(said), "{token}: {detail}");
    }
    for typ in ["JWT", "jwt", "at+jwt", "application/at+JWT"] {
        let token = signer.sign(&json!({ "alg": "ES256", "kid": "a", "typ": typ }), &claims);
        assert_eq!(setting.refusal(&token).await, "", "{typ}");
    }
    // One that names no key is signed with any that goes with its algorithm.
    assert_eq!(setting.refusal(&signer.sign(&json!({ "alg": "ES256" }), &claims)).await, "");
    assert_eq!(setting.recognise("").await.unwrap_err().kind, Kind::Unauthorized);
}

#[test]
fn keys_of_rsa_are_believed_by_each_algorithm_and_short_ones_by_none() {
    let made: Value = serde_json::from_str(RSA).unwrap();
    let authorizer =
        Authorizer { issuer: "https://id.example".to_owned(), audiences: vec!["omniflow".to_owned()] };
    let believe = |token: &str, key: &Value| {
        let token = Token::read(token)?;
        let payload = token.is_signed_by(&[key::Key::published(key).unwrap()])?;
        Claims::check(payload, &authorizer, NOW)
    };
    let tokens = made["tokens"].as_object().unwrap();
    assert_eq!(tokens.len(), 6);
    for (algorithm, token) in tokens {
        let token = token.as_str().unwrap();
        assert!(believe(token, &made["key"]).is_ok(), "{algorithm}");
        // A key that the issuer has for another algorithm is for no other.
        let mut other = made["key"].clone();
        other["alg"] = json!(if algorithm == "RS256" { "PS256" } else { "RS256" });
        assert_eq!(believe(token, &other), Err(Unbelievable::Key), "{algorithm}");
        other["alg"] = json!(algorithm);
        assert!(believe(token, &other).is_ok(), "{algorithm}");
        // The signature of one algorithm is none of another.
        let (head, signature) = token.rsplit_once('.').unwrap();
        let (_, payload) = head.split_once('.').unwrap();
        let wrong = if algorithm.starts_with('R') { "PS256" } else { "RS256" };
        let header = BASE64.encode(json!({ "alg": wrong, "kid": "rsa" }).to_string());
        let confused = format!("{header}.{payload}.{signature}");
        assert_eq!(believe(&confused, &made["key"]), Err(Unbelievable::Signature), "{algorithm}");
    }
    let short = &made["short"];
    assert_eq!(believe(short["token"].as_str().unwrap(), &short["key"]), Err(Unbelievable::Signature));
}

#[tokio::test]
async fn a_new_key_is_found_at_once_and_an_old_one_forgotten_in_time() {
    let (old, new) = (Signer::new("old"), Signer::new("new"));
    let setting = setting(vec![old.published()]).await;
    let far = setting.claims(json!({ "exp": NOW + 100_000 }));
    assert_eq!(setting.refusal(&old.token(&far)).await, "");
    for _ in 0..50 {
        assert!(setting.refusal(&new.token(&far)).await.contains("key"), "it is not published yet");
    }
    assert_eq!(setting.told.asked.load(Ordering::Relaxed), 1, "the issuer is not asked for each such token");

    *setting.told.keys.lock().unwrap() = vec![old.published(), new.published()];
    setting.clock.advance(Duration::from_secs(5));
    assert_eq!(setting.refusal(&new.token(&far)).await, "");
    assert_eq!(setting.told.asked.load(Ordering::Relaxed), 2);

    *setting.told.keys.lock().unwrap() = vec![new.published()];
    assert_eq!(setting.refusal(&old.token(&far)).await, "");
    setting.clock.advance(Duration::from_secs(600));
    assert!(setting.refusal(&old.token(&far)).await.contains("key"));
    assert_eq!(setting.refusal(&new.token(&far)).await, "");
}

#[tokio::test]
async fn while_the_issuer_is_silent_its_keys_of_before_are_believed_for_two_hours() {
    let signer = Signer::new("a");
    let setting = setting(vec![signer.published()]).await;
    let token = signer.token(&setting.claims(json!({ "exp": NOW + 100_000 })));
    *setting.told.is_down.lock().unwrap() = true;
    for _ in 0..5 {
        let problem = setting.recognise(&token).await.unwrap_err();
        assert_eq!(problem.kind, Kind::Unavailable, "{}", problem.detail);
    }
    assert_eq!(setting.told.asked.load(Ordering::Relaxed), 1, "nobody waits for one that just didn't answer");
    *setting.told.is_down.lock().unwrap() = false;
    setting.clock.advance(Duration::from_secs(5));
    assert_eq!(setting.refusal(&token).await, "");

    *setting.told.is_down.lock().unwrap() = true;
    setting.clock.advance(Duration::from_secs(119 * 60));
    assert_eq!(setting.refusal(&token).await, "");
    setting.clock.advance(Duration::from_secs(60));
    assert_eq!(setting.recognise(&token).await.unwrap_err().kind, Kind::Unavailable);

    *setting.told.is_down.lock().unwrap() = false;
    *setting.told.name.lock().unwrap() = Some("https://someone-else.example".to_owned());
    setting.clock.advance(Duration::from_secs(5));
    assert_eq!(setting.recognise(&token).await.unwrap_err().kind, Kind::Unavailable, "it is another issuer");
}
