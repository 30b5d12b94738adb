//! Which routes of a template can be served here.

use template::Route;

/// A route of the template that can't be served here.
#[derive(Debug, thiserror::Error)]
#[error("the route {method} {path} is not supported here: {problem}")]
pub struct BadRoute {
    method: String,
    path: String,
    problem: String,
}

impl BadRoute {
    pub(crate) fn new(route: &Route, problem: impl Into<String>) -> Self {
        let method = route.method.clone().unwrap_or_else(|| "ANY".to_owned());
        Self { method, path: route.path.clone(), problem: problem.into() }
    }
}

/// Checks that no two routes take the same requests.
pub(crate) fn check_distinct(routes: &[Route]) -> Result<(), BadRoute> {
    for (number, route) in routes.iter().enumerate() {
        for earlier in routes.iter().take(number) {
            let (path, earlier_path) = (&route.path, &earlier.path);
            if path == earlier_path && route.method == earlier.method {
                return Err(BadRoute::new(route, "it is there twice; leave one out"));
            }
            if path != earlier_path && overlap(path, earlier_path) {
                let problem =
                    format!("it takes the same paths as {earlier_path}; give both the same parameters");
                return Err(BadRoute::new(route, problem));
            }
        }
    }
    Ok(())
}

/// Whether two paths differ in nothing but their parameters, up to the end or to one that takes the rest.
fn overlap(one: &str, other: &str) -> bool {
    let (mut one, mut other) = (one.split('/'), other.split('/'));
    loop {
        match (one.next(), other.next()) {
            (None, None) => return true,
            (Some(one), Some(other)) => {
                let rest = [one, other].iter().any(|part| part.ends_with("+}"));
                match (one.starts_with('{'), other.starts_with('{')) {
                    (true, true) if rest => return true,
                    (true, true) => {}
                    (false, false) if one == other => {}
                    // A word goes before a parameter.
                    _ => return false,
                }
            }
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use template::Authorization;

    use super::*;

    #[test]
    fn routes_that_take_the_same_requests_are_refused_by_name() {
        let route = |method: &str, path: &str| Route {
            method: (method != "ANY").then(|| method.to_owned()),
            path: path.to_owned(),
            function: "Api".to_owned(),
            authorization: Authorization::None,
        };
        let refused = |one: (&str, &str), other: (&str, &str)| {
            let routes = [route(one.0, one.1), route(other.0, other.1)];
            check_distinct(&routes).err().map(|error| error.to_string())
        };
        for path in ["/a", "/a/{b}", "/a/{b+}", "$default"] {
            let said = refused(("GET", path), ("GET", path)).unwrap();
            assert!(said.contains(&format!("GET {path} ")) && said.contains("twice"), "{said}");
            assert_eq!(refused(("GET", path), ("POST", path)), None);
            assert_eq!(refused(("GET", path), ("ANY", path)), None);
        }
        for (one, other) in [("/a/{b}", "/a/{c}"), ("/a/{b}/x", "/a/{c}/x"), ("/a/{b+}", "/a/{c}/x")] {
            assert!(refused(("GET", one), ("POST", other)).unwrap().contains(one), "{one} and {other}");
        }
        for (one, other) in [("/a/{b}", "/a/b"), ("/a", "/a/{b}"), ("/a/{b}/x", "/a/{b}/y")] {
            assert_eq!(refused(("GET", one), ("GET", other)), None, "{one} and {other}");
        }
    }
}
