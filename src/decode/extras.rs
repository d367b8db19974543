//! What a request adds to its records: headers, query, the peer's address.

use std::borrow::Cow;
use std::net::SocketAddr;

use fluent_compat::record::Members;
use http::HeaderMap;
use http::request::Parts;

use super::parameters::pairs;

/// What is added to each record. By default nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extras {
    /// Every header, `X-Request-Id` as `HTTP_X_REQUEST_ID`. Fluentd's `add_http_headers`.
    pub http_headers: bool,
    /// Every parameter of the query, `a-b` as `QUERY_A_B`. Fluentd's `add_query_params`.
    pub query_params: bool,
    /// The client's address as `REMOTE_ADDR`; behind a proxy the first that
    /// `X-Forwarded-For` names. Fluentd's `add_remote_addr`.
    pub remote_addr: bool,
}

impl Extras {
    /// The fields that a request adds, in Fluentd's order.
    pub(super) fn of(self, head: &Parts) -> Members {
        let mut members = Members::new();
        if self.http_headers {
            push_headers(&mut members, &head.headers);
        }
        if self.query_params {
            let query = head.uri.query().unwrap_or_default();
            for (name, value) in pairs(query.as_bytes()) {
                let name = format!("QUERY_{}", screaming(&name));
                members.push_text(&name, &String::from_utf8_lossy(&value));
            }
        }
        if self.remote_addr
            && let Some(address) = remote_address(head)
        {
            members.push_text("REMOTE_ADDR", &address);
        }
        members
    }
}

/// Of several headers of a name the values are joined, which is what they mean (RFC 9110, 5.2).
fn push_headers(members: &mut Members, headers: &HeaderMap) {
    for name in headers.keys() {
        let values: Vec<_> = headers
            .get_all(name)
            .iter()
            .map(|it| it.as_bytes())
            .collect();
        let value = values.join(&b", "[..]);
        let name = format!("HTTP_{}", screaming(name.as_str().as_bytes()));
        members.push_text(&name, &String::from_utf8_lossy(&value));
    }
}

fn screaming(name: &[u8]) -> String {
    String::from_utf8_lossy(name)
        .replace('-', "_")
        .to_ascii_uppercase()
}

fn remote_address(head: &Parts) -> Option<Cow<'_, str>> {
    let forwarded = head.headers.get("x-forwarded-for");
    let first = forwarded.and_then(|value| value.as_bytes().split(|byte| *byte == b',').next());
    if let Some(first) = first
        .map(<[u8]>::trim_ascii)
        .filter(|first| !first.is_empty())
    {
        return Some(String::from_utf8_lossy(first));
    }
    let peer = head.extensions.get::<SocketAddr>()?;
    Some(peer.ip().to_canonical().to_string().into())
}

#[cfg(test)]
mod tests {
    use fluent_compat::events::Events;
    use fluent_compat::time::EventTime;
    use http::Request;
    use serde_json::{Map, json};

    use super::*;

    fn added(extras: Extras, request: http::request::Builder) -> serde_json::Value {
        let (head, ()) = request.body(()).unwrap().into_parts();
        let mut events = Events::new();
        events.push_map(EventTime::new(0, 0), &Map::new());
        let events = events.with_members(&extras.of(&head));
        let record = events.iter().next().unwrap().record.to_map();
        record.into()
    }

    #[test]
    fn by_default_nothing_is_added() {
        let request = Request::post("/?a=1").header("x-a", "1");
        assert_eq!(added(Extras::default(), request), json!({}));
    }

    #[test]
    fn headers_get_a_prefix_and_capitals() {
        let extras = Extras {
            http_headers: true,
            ..Extras::default()
        };
        let request = Request::post("/")
            .header("X-A-b", "1")
            .header("y", "2")
            .header("y", "3");
        let expected = json!({"HTTP_X_A_B": "1", "HTTP_Y": "2, 3"});
        assert_eq!(added(extras, request), expected);
    }

    #[test]
    fn parameters_get_a_prefix_and_capitals() {
        let extras = Extras {
            query_params: true,
            ..Extras::default()
        };
        let request = Request::post("/test.log?a-b=1&c=d%20e");
        assert_eq!(
            added(extras, request),
            json!({"QUERY_A_B": "1", "QUERY_C": "d e"})
        );
    }

    #[test]
    fn the_address_is_the_peers_or_what_a_proxy_says() {
        let extras = Extras {
            remote_addr: true,
            ..Extras::default()
        };
        let peer: SocketAddr = "[::ffff:192.0.2.7]:40000".parse().unwrap();
        let direct = Request::post("/").extension(peer);
        assert_eq!(added(extras, direct), json!({"REMOTE_ADDR": "192.0.2.7"}));
        let proxied = Request::post("/")
            .extension(peer)
            .header("x-forwarded-for", "198.51.100.1, 10.0.0.1");
        assert_eq!(
            added(extras, proxied),
            json!({"REMOTE_ADDR": "198.51.100.1"})
        );
    }
}
