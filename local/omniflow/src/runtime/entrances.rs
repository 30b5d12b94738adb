//! Where requests come in: the routes, who may take them, and the addresses.

use std::net::SocketAddr;
use std::sync::Arc;

use ambient::Surroundings;
use omniflow_api::{Api, Operators};
use omniflow_services::{Environment, Function as _};
use template::{Authorization, Place, Route, System};
use tokio::net::{TcpListener, TcpSocket};

use crate::identity::Identity;
use crate::server::AccessToken;
use crate::{Config, StartError};

/// The number of connections that may wait to be accepted, so that a thousand buyers who come at once are
/// not turned away.
const BACKLOG: u32 = 4096;

/// The template's routes. When the server has a token, they are those of the template with closed access:
/// every route needs the token except those that the template leaves open even then (the console's files,
/// the documentation, health).
pub(super) fn routes(
    config: &Config,
    system: &System,
    token: Option<&AccessToken>,
    place: &Place,
) -> Result<Vec<Route>, StartError> {
    if token.is_none() {
        return Ok(system.routes.clone());
    }
    let closed = template::load(&config.template, &config.parameters_of_closed_access(), place);
    let closed = closed.map_err(|source| StartError::Template { path: config.template.clone(), source })?;
    Ok(closed.routes)
}

/// What recognises callers by their tokens, where the template has an issuer and asks for tokens at any route.
pub(super) fn identity(system: &System, surroundings: &Surroundings) -> Result<Option<Identity>, StartError> {
    let is_asked = system.routes.iter().any(|route| matches!(route.authorization, Authorization::Jwt(_)));
    let Some(authorizer) = system.authorizer.clone().filter(|_| is_asked) else { return Ok(None) };
    let named = system.functions.values().find(|function| function.binary == Api::NAME);
    let environment = named.map(|function| function.environment.clone()).unwrap_or_default();
    let operators = Operators::new(&Environment::from_pairs(environment)).map_err(|problem| {
        StartError::Function { function: Api::NAME.to_owned(), problem: problem.to_string() }
    })?;
    Ok(Some(Identity::new(authorizer, operators, Arc::clone(&surroundings.clock))?))
}

/// Beyond loopback the AWS API needs the token, and the HTTP API the token or an issuer whose tokens it takes.
pub(super) fn check_addresses(
    config: &Config,
    token: Option<&AccessToken>,
    identity: Option<&Identity>,
) -> Result<(), StartError> {
    let open = [(config.http, identity.is_none()), (config.aws, true)];
    let beyond = open.into_iter().find(|(address, is_open)| *is_open && !address.ip().is_loopback());
    match beyond {
        Some((address, _)) if token.is_none() => Err(StartError::NeedsToken { address }),
        _ => Ok(()),
    }
}

pub(super) fn listen(flag: &'static str, address: SocketAddr) -> Result<TcpListener, StartError> {
    let bound = || {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        // As the standard library does: a port in TIME_WAIT can be used again at once.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    bound().map_err(|source| StartError::Address { flag, address, source })
}

pub(super) fn address(listener: &TcpListener, flag: &'static str) -> Result<SocketAddr, StartError> {
    let unknown = SocketAddr::from(([127, 0, 0, 1], 0));
    listener.local_addr().map_err(|source| StartError::Address { flag, address: unknown, source })
}
