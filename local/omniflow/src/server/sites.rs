//! Decides which websites may call this server from a browser: its own pages, and no other.
//!
//! A browser lets every website send requests to this machine, also with a body and with any method, as long
//! as the site doesn't need to read the answer (cross-site request forgery). A website whose name suddenly
//! resolves to 127.0.0.1 can read the answers, too (DNS rebinding). The headers of browsers reveal both:
//! `Host` has the name by which the site was opened; `Origin` and `Sec-Fetch-Site` (W3C, "Fetch Metadata
//! Request Headers") say where the page came from. Programs other than browsers send neither `Origin` nor
//! `Sec-Fetch-Site`, and in `Host` the address that they call.

use std::net::IpAddr;
use std::str::FromStr;

use axum::extract::Request;
use http::header::{HOST, HeaderName, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, Method, Uri, Version};

/// A name of this server that was allowed by a flag: `shop.example` with any port, or `shop.example:8443`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedHost {
    name: String,
    port: Option<u16>,
}

/// The address of this machine at which a connection arrived.
#[derive(Debug, Clone, Copy)]
pub(super) struct ArrivedAt(pub(super) IpAddr);

/// Why a request is refused. Each message says what to do.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Foreign {
    #[error("The request names no host, or more than one. Send one 'Host' header.")]
    NoHost,
    #[error(
        "'{0}' is no name of this server. Call it by its address or as localhost, or start it with --allowed-host {0}."
    )]
    Host(String),
    #[error(
        "Pages of '{0}' may not call this server. If they shall, start it with --allowed-host and their host."
    )]
    Origin(String),
    #[error("Other websites may not call this server.")]
    Site,
}

/// The names by which this server may be called and whose pages may call it, besides this machine's own.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sites(Vec<AllowedHost>);

impl Sites {
    pub(crate) fn new(allowed: Vec<AllowedHost>) -> Self {
        Self(allowed)
    }

    pub(super) fn check(&self, request: &Request) -> Result<(), Foreign> {
        let host = self.own_host(request)?;
        let headers = request.headers();
        let mut has_own_origin = false;
        for origin in headers.get_all(ORIGIN) {
            let origin = origin.to_str().unwrap_or("an unreadable origin");
            if !self.is_own_origin(origin, host.as_ref()) {
                return Err(Foreign::Origin(origin.to_owned()));
            }
            has_own_origin = true;
        }
        let cross_site = says(headers, "sec-fetch-site", "cross-site");
        if cross_site && !has_own_origin && !is_followed_link(request) { Err(Foreign::Site) } else { Ok(()) }
    }

    /// The host that the request names, which must be one of this server's; `None` for a request in
    /// HTTP/1.0, which needs no `Host` header.
    fn own_host(&self, request: &Request) -> Result<Option<Authority>, Foreign> {
        let mut named = request.headers().get_all(HOST).iter();
        let host = match (named.next(), named.next()) {
            (Some(host), None) => host,
            (None, None) if request.version() < Version::HTTP_11 => return Ok(None),
            _ => return Err(Foreign::NoHost),
        };
        let host = host.to_str().unwrap_or("an unreadable name");
        let foreign = || Foreign::Host(host.to_owned());
        let authority = Authority::from_str(host).map_err(|_| foreign())?;
        let arrived_at = request.extensions().get::<ArrivedAt>().map(|arrived| arrived.0);
        let by_uri = request.uri().authority().into_iter();
        let all_own = by_uri.chain([&authority]).all(|named| self.is_own_host(named, arrived_at));
        if all_own { Ok(Some(authority)) } else { Err(foreign()) }
    }

    fn is_own_host(&self, authority: &Authority, arrived_at: Option<IpAddr>) -> bool {
        if authority.as_str().contains('@') {
            return false;
        }
        let name = name(authority);
        let own_address = |address: IpAddr| {
            let (address, arrived_at) = (address.to_canonical(), arrived_at.map(|ip| ip.to_canonical()));
            address.is_loopback() || arrived_at == Some(address)
        };
        // Names under .localhost belong to this machine (RFC 6761, section 6.3).
        name == "localhost"
            || name.ends_with(".localhost")
            || name.parse().is_ok_and(own_address)
            || self.allows(&name, authority.port_u16())
    }

    /// Whether the origin is this server's own, that is, has the host and port that the request names, or is
    /// an allowed one.
    fn is_own_origin(&self, origin: &str, host: Option<&Authority>) -> bool {
        let Ok(uri) = Uri::from_str(origin) else { return false };
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return false };
        let usual = match scheme {
            "http" => 80,
            "https" => 443,
            _ => return false,
        };
        let place = |authority: &Authority| (name(authority), authority.port_u16().unwrap_or(usual));
        let (origin_name, port) = place(authority);
        host.is_some_and(|host| place(host) == (origin_name.clone(), port))
            || self.allows(&origin_name, Some(port))
    }

    fn allows(&self, name: &str, port: Option<u16>) -> bool {
        self.0.iter().any(|allowed| allowed.name == name && (allowed.port.is_none() || allowed.port == port))
    }
}

/// Hosts separated by commas. An empty text is none: an environment variable that is set to nothing says
/// nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedHosts(pub Vec<AllowedHost>);

impl FromStr for AllowedHosts {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = text.split(',').map(str::trim).filter(|host| !host.is_empty());
        named.map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

impl FromStr for AllowedHost {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match Authority::from_str(text) {
            Ok(authority) if !text.contains('@') && !authority.host().is_empty() => {
                Ok(Self { name: name(&authority), port: authority.port_u16() })
            }
            _ => Err(format!("'{text}' is no host such as shop.example or shop.example:8443")),
        }
    }
}

/// The host in lower case, without the brackets of an IPv6 address and without the dot of the DNS root.
fn name(authority: &Authority) -> String {
    let name = authority.host().to_ascii_lowercase();
    let name = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(&name);
    name.strip_suffix('.').unwrap_or(name).to_owned()
}

/// Whether the request opens a page by a link on another website. That is allowed: the other site can't read
/// the page, and no GET changes anything.
fn is_followed_link(request: &Request) -> bool {
    let headers = request.headers();
    request.method() == Method::GET
        && says(headers, "sec-fetch-mode", "navigate")
        && says(headers, "sec-fetch-dest", "document")
}

fn says(headers: &HeaderMap, name: &'static str, value: &str) -> bool {
    let said = headers.get(HeaderName::from_static(name));
    said.is_some_and(|said| said.as_bytes().eq_ignore_ascii_case(value.as_bytes()))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn check(headers: &[(&str, &str)], allowed: &[&str]) -> Result<(), Foreign> {
        let mut request = Request::post("/api/v1/orders").body(Body::empty()).unwrap();
        request.extensions_mut().insert(ArrivedAt([192, 0, 2, 7].into()));
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            request.headers_mut().append(name, value.parse().unwrap());
        }
        Sites::new(allowed.iter().map(|allowed| allowed.parse().unwrap()).collect()).check(&request)
    }

    #[test]
    fn this_machine_is_called_by_its_own_names_only() {
        let own = [
            "localhost",
            "LOCALHOST:8000",
            "localhost.:8000",
            "shop.localhost",
            "127.0.0.1:8000",
            "127.1.2.3",
        ];
        for host in own.into_iter().chain(["[::1]:8000", "[::ffff:127.0.0.1]", "192.0.2.7:8000"]) {
            assert_eq!(check(&[("host", host)], &[]), Ok(()), "{host}");
        }
        let foreign =
            ["evil.example", "localhost.evil.example", "notlocalhost", "127.0.0.1.nip.io", "198.51.100.1"];
        for host in foreign.into_iter().chain(["[2001:db8::1]", "localhost@evil.example", "a b", "0.0.0.0"]) {
            assert_eq!(check(&[("host", host)], &[]), Err(Foreign::Host(host.to_owned())), "{host}");
        }
        assert_eq!(check(&[], &[]), Err(Foreign::NoHost));
        assert_eq!(check(&[("host", "localhost"), ("host", "localhost")], &[]), Err(Foreign::NoHost));
    }

    #[test]
    fn allowed_names_are_taken_as_host_and_as_origin() {
        let allowed = ["shop.example", "Admin.Example:8443"];
        for host in ["shop.example", "SHOP.example:1", "admin.example:8443"] {
            assert_eq!(check(&[("host", host)], &allowed), Ok(()), "{host}");
        }
        assert!(check(&[("host", "admin.example")], &allowed).is_err());
        for origin in ["https://shop.example", "https://admin.example:8443"] {
            let headers = [("host", "localhost"), ("origin", origin), ("sec-fetch-site", "cross-site")];
            assert_eq!(check(&headers, &allowed), Ok(()), "{origin}");
        }
        let listed = |text: &str| text.parse::<AllowedHosts>().map(|hosts| hosts.0.len());
        assert_eq!((listed(""), listed(" "), listed("shop.example, a.example:1,")), (Ok(0), Ok(0), Ok(2)));
        assert!(listed("shop.example,a@b").is_err());
        assert!("a@b".parse::<AllowedHost>().is_err() && "".parse::<AllowedHost>().is_err());
    }

    #[test]
    fn pages_of_other_origins_are_refused_and_its_own_are_not() {
        let from = |origin| check(&[("host", "localhost:8000"), ("origin", origin)], &[]);
        assert_eq!(from("http://localhost:8000"), Ok(()));
        let foreign =
            ["http://evil.example", "null", "http://localhost:3000", "http://127.0.0.1:8000", "file://", ""];
        for origin in foreign {
            assert_eq!(from(origin), Err(Foreign::Origin(origin.to_owned())), "{origin}");
        }
        // Behind a proxy that ends TLS, neither header names the usual port.
        assert_eq!(check(&[("host", "shop.localhost"), ("origin", "https://shop.localhost")], &[]), Ok(()));
        let site = |site| check(&[("host", "localhost"), ("sec-fetch-site", site)], &[]);
        assert_eq!(site("cross-site"), Err(Foreign::Site));
        assert_eq!((site("same-origin"), site("none")), (Ok(()), Ok(())));
    }

    #[test]
    fn a_link_may_be_followed_and_nothing_else_may_come_from_another_site() {
        let request = |method: Method, mode: &str, dest: &str| {
            let request = Request::builder().method(method).uri("/web/").header("host", "localhost");
            let request = request.header("sec-fetch-site", "cross-site").header("sec-fetch-mode", mode);
            Sites::default().check(&request.header("sec-fetch-dest", dest).body(Body::empty()).unwrap())
        };
        assert_eq!(request(Method::GET, "navigate", "document"), Ok(()));
        assert_eq!(request(Method::GET, "navigate", "iframe"), Err(Foreign::Site));
        assert_eq!(request(Method::GET, "no-cors", "image"), Err(Foreign::Site));
        assert_eq!(request(Method::POST, "navigate", "document"), Err(Foreign::Site));
    }
}
