//! Why there is no reply, and whether TLS is to blame.

use std::error::Error;
use std::time::Duration;

use tokio_rustls::rustls;
use tokio_rustls::rustls::AlertDescription;

/// Why there is no reply.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens there.
    #[error("no connection: {0}")]
    Connect(std::io::Error),
    /// TLS did not come about; in TLS 1.3 a refused client learns it only later.
    #[error("no TLS handshake: {0}")]
    Handshake(std::io::Error),
    /// The server did not take `h2`.
    #[error("the server did not choose h2")]
    NoHttp2,
    /// The request cannot be written down.
    #[error("not a request: {0}")]
    Request(hyper::http::Error),
    /// The exchange broke off.
    #[error("no reply: {request}{}", under(connection.as_ref()))]
    Exchange {
        /// What became of the request.
        #[source]
        request: hyper::Error,
        /// What became of the connection under it, if that is known.
        connection: Option<hyper::Error>,
    },
    /// No reply in time.
    #[error("no reply within {0:?}")]
    Timeout(Duration),
}

/// How a server got rid of a client below HTTP.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// With a TLS alert.
    Alert(AlertDescription),
    /// Without a word, or with one that got lost on the way.
    Closed,
}

impl ClientError {
    /// How TLS refused us; nothing where the reason lies elsewhere (nobody listens, no
    /// answer in time). A connection that was cut later looks like [`Refused::Closed`]:
    /// where that matters, [`knock`](super::knock()) tells them apart.
    pub fn refused(&self) -> Option<Refused> {
        let alert = match self {
            ClientError::Handshake(error) => alert_of(error),
            ClientError::Exchange {
                request,
                connection,
            } => alert_of(request).or_else(|| connection.as_ref().and_then(|e| alert_of(e))),
            _ => return None,
        };
        Some(alert.map_or(Refused::Closed, Refused::Alert))
    }
}

impl From<hyper::Error> for ClientError {
    fn from(request: hyper::Error) -> ClientError {
        ClientError::Exchange {
            request,
            connection: None,
        }
    }
}

/// The alert in a chain of errors. An `io::Error` hides what it wraps from `source`, so it
/// is asked by itself.
pub(super) fn alert_of(error: &(dyn Error + 'static)) -> Option<AlertDescription> {
    let mut next = Some(error);
    while let Some(error) = next {
        let wrapped = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
            .and_then(|inner| inner.downcast_ref::<rustls::Error>());
        if let Some(rustls::Error::AlertReceived(alert)) = wrapped.or(error.downcast_ref()) {
            return Some(*alert);
        }
        next = error.source();
    }
    None
}

fn under(connection: Option<&hyper::Error>) -> String {
    connection.map_or_else(String::new, |error| {
        let cause = error
            .source()
            .map_or_else(String::new, |e| format!(": {e}"));
        format!(" (the connection: {error}{cause})")
    })
}
