//! Asks a monitor's port how the server is.

use std::fmt;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::status::Status;

/// Where `@type monitor_agent` and `@type prometheus` are unless they are told otherwise.
const USUAL: [&str; 2] = ["http://127.0.0.1:24220", "http://127.0.0.1:24231"];
/// The first of them, for an address without a port.
const PORT: u16 = 24220;
/// A page is made in less than a millisecond.
const PATIENCE: Duration = Duration::from_secs(5);
/// Far more than any server has to say.
const LARGEST: usize = 16 << 20;

/// An address that cannot be asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum AddressError {
    /// No address at all.
    #[error("found `{found}`, expected the address of a monitor, as http://127.0.0.1:24220")]
    NotOne {
        /// The argument.
        found: String,
    },
    /// TLS, or something stranger.
    #[error(
        "found `{found}`: only http:// can be asked, so a monitor with <transport tls> needs a \
         second one for this machine alone: `<source> @type monitor_agent`, `bind 127.0.0.1`"
    )]
    NotHttp {
        /// The argument.
        found: String,
    },
}

/// Why there is no answer to show.
#[derive(Debug, thiserror::Error)]
pub(super) enum LookError {
    /// No connection.
    #[error("nobody answers at {address}: {source}")]
    Away {
        /// Host and port.
        address: Address,
        /// What the system said.
        source: io::Error,
    },
    /// No answer in time.
    #[error("{address} has not answered within {} s", PATIENCE.as_secs())]
    Silent {
        /// Host and port.
        address: Address,
    },
    /// A connection that ends early.
    #[error("{address} gives no answer: {source}")]
    Broken {
        /// Host and port.
        address: Address,
        /// What went wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Something else than a forebay, or another one.
    #[error("{address} is no monitor of forebay: {reason}")]
    Other {
        /// Host and port.
        address: Address,
        /// How one can tell.
        reason: String,
    },
    /// There is nobody to ask.
    #[error("there is no address to ask")]
    NoAddress,
}

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    host: String,
    port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// Somebody to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Client {
    address: Address,
    /// What stands before the page's name.
    path: String,
}

impl Client {
    /// The one that is named, or those that are usual.
    pub(super) fn candidates(url: Option<&str>) -> Result<Vec<Self>, AddressError> {
        match url {
            Some(url) => Ok(vec![Self::at(url)?]),
            None => USUAL.into_iter().map(Self::at).collect(),
        }
    }

    fn at(url: &str) -> Result<Self, AddressError> {
        let not_one = || AddressError::NotOne {
            found: url.to_owned(),
        };
        let uri: Uri = url.parse().map_err(|_| not_one())?;
        if uri.scheme_str().is_some_and(|scheme| scheme != "http") {
            let found = url.to_owned();
            return Err(AddressError::NotHttp { found });
        }
        let host = uri.host().filter(|host| !host.is_empty());
        let address = Address {
            host: host.ok_or_else(not_one)?.to_owned(),
            port: uri.port_u16().unwrap_or(PORT),
        };
        let path = uri.path().trim_end_matches('/').to_owned();
        Ok(Self { address, path })
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// How the server is now.
    pub(super) async fn look(&self) -> Result<Status, LookError> {
        let answer = timeout(PATIENCE, self.ask()).await;
        let (status, body) = answer.map_err(|_elapsed| LookError::Silent {
            address: self.address.clone(),
        })??;
        let other = |reason| LookError::Other {
            address: self.address.clone(),
            reason,
        };
        if status != StatusCode::OK {
            let path = self.page();
            return Err(other(format!("{path} is answered with {status}")));
        }
        serde_json::from_slice(&body).map_err(|error| other(error.to_string()))
    }

    async fn ask(&self) -> Result<(StatusCode, Bytes), LookError> {
        let broken = |source| LookError::Broken {
            address: self.address.clone(),
            source,
        };
        // As in a URL, but for a socket.
        let host = self.address.host.trim_matches(['[', ']']);
        let stream = TcpStream::connect((host, self.address.port)).await;
        let stream = stream.map_err(|source| LookError::Away {
            address: self.address.clone(),
            source,
        })?;
        let opened = http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = opened.map_err(|error| broken(error.into()))?;
        let request = Request::get(self.page())
            .header(HOST, self.address.to_string())
            .body(Empty::<Bytes>::new())
            .map_err(|error| broken(error.into()))?;
        let exchange = async {
            let answer = sender.send_request(request).await;
            let answer = answer.map_err(|error| broken(error.into()))?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), LARGEST).collect().await;
            Ok((status, body.map_err(broken)?.to_bytes()))
        };
        tokio::pin!(connection);
        tokio::pin!(exchange);
        tokio::select! {
            answer = &mut exchange => answer,
            // It ends with the answer, or before it.
            _ended = &mut connection => exchange.await,
        }
    }

    fn page(&self) -> String {
        format!("{}/api/status.json", self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(url: &str) -> (String, String) {
        let client = Client::at(url).unwrap();
        (client.address.to_string(), client.page())
    }

    #[test]
    fn an_address_may_leave_out_what_is_usual() {
        for (url, address, page) in [
            (
                "http://127.0.0.1:24231",
                "127.0.0.1:24231",
                "/api/status.json",
            ),
            ("http://box/", "box:24220", "/api/status.json"),
            ("box:9000", "box:9000", "/api/status.json"),
            ("box", "box:24220", "/api/status.json"),
            (
                "http://proxy:80/forebay/",
                "proxy:80",
                "/forebay/api/status.json",
            ),
            ("http://[::1]:24220", "[::1]:24220", "/api/status.json"),
        ] {
            let found = asked(url);
            assert_eq!(found, (address.to_owned(), page.to_owned()), "{url}");
        }
    }

    #[test]
    fn what_cannot_be_asked_is_told_with_what_can() {
        let error = Client::at("https://box:24220").unwrap_err().to_string();
        assert!(error.contains("only http:// can be asked"), "{error}");
        for url in ["", "/api", "http://"] {
            let error = Client::at(url).unwrap_err().to_string();
            assert!(error.contains("http://127.0.0.1:24220"), "{url}: {error}");
        }
    }

    #[test]
    fn without_an_address_both_usual_ports_are_tried() {
        let candidates = Client::candidates(None).unwrap();
        let addresses: Vec<_> = candidates
            .iter()
            .map(|client| client.address.to_string())
            .collect();
        assert_eq!(addresses, ["127.0.0.1:24220", "127.0.0.1:24231"]);
    }
}
