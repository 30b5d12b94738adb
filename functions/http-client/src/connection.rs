//! Connections: the host's name is looked up, its addresses are checked, and one of them is called.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use http::Uri;
use hyper_util::rt::TokioIo;
use rustls::pki_types::{InvalidDnsNameError, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::reach::{Reach, TooNear};

/// Why no connection was made.
#[derive(Debug, thiserror::Error)]
pub enum Unreached {
    /// The address is not of the form `https://HOST…` or `http://HOST…`.
    #[error("'{0}' is no http or https address with a host")]
    Address(Uri),
    /// The address names a user or a password, which would be sent to whoever it leads to.
    #[error("the address names a user or a password")]
    Userinfo,
    /// Only `https` may be used.
    #[error("the address must begin with https://")]
    Unencrypted,
    /// The name could not be looked up.
    #[error("the name of the host can't be looked up")]
    Lookup(#[source] io::Error),
    /// The name has no address, or one that may not be called.
    #[error(transparent)]
    TooNear(#[from] TooNear),
    /// The host's name can't be in a certificate.
    #[error("the host's name can't be in a certificate")]
    Name(#[from] InvalidDnsNameError),
    /// The machine has no certificates that could be trusted.
    #[error("no certificates that could be trusted are found on this machine")]
    Certificates(#[source] Option<rustls_native_certs::Error>),
    /// The cryptography knows no version of TLS.
    #[error("TLS can't be used")]
    Tls(#[from] rustls::Error),
    /// No address could be connected to, or TLS failed.
    #[error("no connection could be made")]
    Connect(#[source] io::Error),
}

/// Where a request goes.
pub(crate) struct Target {
    host: String,
    port: u16,
    is_https: bool,
    host_header: String,
}

impl Target {
    pub(crate) fn of(url: &Uri) -> Result<Self, Unreached> {
        let unusable = || Unreached::Address(url.clone());
        let authority = url.authority().ok_or_else(unusable)?;
        if authority.as_str().contains('@') {
            return Err(Unreached::Userinfo);
        }
        let is_https = match url.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(unusable()),
        };
        // An address of IPv6 is in brackets (RFC 3986, section 3.2.2).
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(unusable());
        }
        let port = authority.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        Ok(Self { host: host.to_owned(), port, is_https, host_header: authority.as_str().to_owned() })
    }

    pub(crate) fn host_header(&self) -> &str {
        &self.host_header
    }
}

/// TLS with the certificates that the machine trusts.
fn trust() -> Result<ClientConfig, Unreached> {
    let mut roots = RootCertStore::empty();
    let mut found = rustls_native_certs::load_native_certs();
    let (read, _) = roots.add_parsable_certificates(found.certs);
    if read == 0 {
        return Err(Unreached::Certificates(found.errors.pop()));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(versions.with_root_certificates(roots).with_no_client_auth())
}

/// The same, read once.
pub(crate) fn trusted(tls: &OnceLock<Arc<ClientConfig>>) -> Result<Arc<ClientConfig>, Unreached> {
    if let Some(config) = tls.get() {
        return Ok(Arc::clone(config));
    }
    let made = Arc::new(trust()?);
    Ok(Arc::clone(tls.get_or_init(|| made)))
}

/// A stream of either kind.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send {}
impl<S: AsyncRead + AsyncWrite + Send> Stream for S {}

/// A connection as hyper keeps it for further requests.
#[cfg(feature = "sdk")]
pub(crate) struct Connected(pub(crate) TokioIo<Pin<Box<dyn Stream>>>);

#[cfg(feature = "sdk")]
mod kept {
    use std::io;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use hyper::rt::{Read, ReadBufCursor, Write};
    use hyper_util::client::legacy::connect::{self, Connection};

    use super::Connected;

    impl Connection for Connected {
        fn connected(&self) -> connect::Connected {
            connect::Connected::new()
        }
    }

    impl Read for Connected {
        fn poll_read(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            buffer: ReadBufCursor<'_>,
        ) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_read(context, buffer)
        }
    }

    impl Write for Connected {
        fn poll_write(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            Pin::new(&mut self.0).poll_write(context, bytes)
        }

        fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_flush(context)
        }

        fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_shutdown(context)
        }
    }
}

/// Connects. The addresses that were checked are those that are called, so that a name which changes its
/// addresses between the two gains nothing.
pub(crate) async fn open(
    target: &Target,
    reach: Reach,
    tls: &OnceLock<Arc<ClientConfig>>,
) -> Result<TokioIo<Pin<Box<dyn Stream>>>, Unreached> {
    if reach == Reach::Public && !target.is_https {
        return Err(Unreached::Unencrypted);
    }
    let found = tokio::net::lookup_host((target.host.as_str(), target.port)).await;
    let addresses: Vec<SocketAddr> = found.map_err(Unreached::Lookup)?.collect();
    reach.check(&addresses)?;
    let stream = TcpStream::connect(addresses.as_slice()).await.map_err(Unreached::Connect)?;
    // A request is written as a whole; no part of it waits for others to fill a packet.
    stream.set_nodelay(true).map_err(Unreached::Connect)?;
    let stream: Pin<Box<dyn Stream>> = if target.is_https {
        let name = ServerName::try_from(target.host.clone())?;
        let connector = TlsConnector::from(trusted(tls)?);
        Box::pin(connector.connect(name, stream).await.map_err(Unreached::Connect)?)
    } else {
        Box::pin(stream)
    };
    Ok(TokioIo::new(stream))
}
