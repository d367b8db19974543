//! Which web pages may post here (CORS).

use axum::body::Body;
use axum::response::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD,
    CONTENT_TYPE, ORIGIN,
};
use http::{HeaderMap, HeaderValue};

use super::respond::TEXT_PLAIN;

/// The origins that are allowed: Fluentd's `cors_allow_origins` and `cors_allow_credentials`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cors {
    origins: Vec<Origins>,
    credentials: bool,
}

/// Origins that cannot be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CorsError {
    /// A browser would refuse the answers.
    #[error("found credentials allowed for \"*\"; allowed are credentials for named origins")]
    CredentialsForAnyone,
}

/// One element of `cors_allow_origins`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Origins {
    /// `*`
    Any,
    /// `https://*.example.com`
    Between { start: String, end: String },
    /// `https://www.example.com`
    One(String),
}

/// What an answer says about its origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Grant {
    origin: HeaderValue,
    credentials: bool,
}

/// The request comes from a page that may not post here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Denied;

impl Cors {
    /// Allows these origins, each with one `*` at most. Empty ones allow nothing.
    ///
    /// # Errors
    /// [`CorsError`] for credentials together with `*`.
    pub fn new(origins: &[String], credentials: bool) -> Result<Self, CorsError> {
        let origins: Vec<_> = origins.iter().filter_map(|it| Origins::parse(it)).collect();
        if credentials && origins.contains(&Origins::Any) {
            return Err(CorsError::CredentialsForAnyone);
        }
        Ok(Self {
            origins,
            credentials,
        })
    }

    /// What the answer to a request says; nothing to one that comes from no page.
    pub(super) fn grant(&self, request: &HeaderMap) -> Result<Option<Grant>, Denied> {
        if self.origins.contains(&Origins::Any) {
            let origin = HeaderValue::from_static("*");
            let credentials = false;
            return Ok(Some(Grant {
                origin,
                credentials,
            }));
        }
        let Some(origin) = request.get(ORIGIN) else {
            return Ok(None);
        };
        let text = origin.to_str().map_err(|_| Denied)?;
        if !self.origins.iter().any(|allowed| allowed.contain(text)) {
            return Err(Denied);
        }
        Ok(Some(Grant {
            origin: origin.clone(),
            credentials: self.credentials,
        }))
    }

    /// The answer to the question before a POST; `None` if that would be refused.
    pub(super) fn preflight(&self, request: &HeaderMap) -> Option<Response> {
        let method = request.get(ACCESS_CONTROL_REQUEST_METHOD)?;
        let grant = self.grant(request).ok()??;
        if method != "POST" {
            return None;
        }
        let mut answer = Response::new(Body::empty());
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, TEXT_PLAIN);
        headers.insert(
            ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static("POST"),
        );
        let asked = request.get(ACCESS_CONTROL_REQUEST_HEADERS).cloned();
        let asked = asked.unwrap_or_else(|| HeaderValue::from_static(""));
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, asked);
        grant.add_to(headers);
        Some(answer)
    }
}

impl Grant {
    /// Writes it into an answer's headers.
    pub(super) fn add_to(self, headers: &mut HeaderMap) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, self.origin);
        if self.credentials {
            let yes = HeaderValue::from_static("true");
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, yes);
        }
    }
}

impl Origins {
    fn parse(text: &str) -> Option<Self> {
        match text.split_once('*') {
            None if text.is_empty() => None,
            None => Some(Self::One(text.to_owned())),
            Some(("", "")) => Some(Self::Any),
            Some((start, end)) => Some(Self::Between {
                start: start.to_owned(),
                end: end.to_owned(),
            }),
        }
    }

    fn contain(&self, origin: &str) -> bool {
        match self {
            Self::Any => true,
            Self::One(one) => one == origin,
            Self::Between { start, end } => {
                let rest = origin.strip_prefix(start.as_str());
                rest.is_some_and(|rest| rest.ends_with(end.as_str()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cors(origins: &[&str], credentials: bool) -> Result<Cors, CorsError> {
        let origins: Vec<_> = origins.iter().map(|&origin| origin.to_owned()).collect();
        Cors::new(&origins, credentials)
    }

    fn allowed(cors: &Cors, origin: &str) -> bool {
        let request = HeaderMap::from_iter([(ORIGIN, origin.parse().unwrap())]);
        matches!(cors.grant(&request), Ok(Some(_)))
    }

    #[test]
    fn an_origin_must_be_one_of_those_allowed() {
        let cors = cors(&["https://x.example", ""], false).unwrap();
        assert!(allowed(&cors, "https://x.example"));
        assert!(!allowed(&cors, "https://x.example.org"));
        assert!(!allowed(&cors, "http://x.example"));
    }

    #[test]
    fn a_star_stands_for_any_text() {
        let cors = cors(&["https://*.example"], false).unwrap();
        assert!(allowed(&cors, "https://a.b.example"));
        assert!(!allowed(&cors, "https://example"));
        assert!(!allowed(&cors, "https://a.example.org"));
    }

    #[test]
    fn a_request_from_no_page_is_allowed_and_told_nothing() {
        let cors = cors(&["https://x.example"], false).unwrap();
        assert_eq!(cors.grant(&HeaderMap::new()), Ok(None));
    }

    #[test]
    fn credentials_need_named_origins() {
        let refused = cors(&["https://x.example", "*"], true);
        assert_eq!(refused, Err(CorsError::CredentialsForAnyone));
        let cors = cors(&["https://x.example"], true).unwrap();
        let origin: HeaderValue = "https://x.example".parse().unwrap();
        let request = HeaderMap::from_iter([(ORIGIN, origin.clone())]);
        let grant = Grant {
            origin,
            credentials: true,
        };
        assert_eq!(cors.grant(&request), Ok(Some(grant)));
    }

    #[test]
    fn only_a_post_may_follow_a_preflight() {
        let cors = cors(&["*"], false).unwrap();
        let asks = |method: &str| {
            let name = ACCESS_CONTROL_REQUEST_METHOD;
            HeaderMap::from_iter([(name, method.parse().unwrap())])
        };
        assert!(cors.preflight(&asks("POST")).is_some());
        assert!(cors.preflight(&asks("PUT")).is_none());
        assert!(cors.preflight(&HeaderMap::new()).is_none());
    }
}
