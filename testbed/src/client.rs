//! A client that looks like Teleport's event handler on the wire: Go's headers, a client
//! certificate, one connection kept alive, 30 s for an exchange.

mod error;
mod knock;
mod target;

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper::header::{ACCEPT_ENCODING, CONTENT_TYPE, HOST, HeaderName, HeaderValue, USER_AGENT};
use hyper::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub use self::error::{ClientError, Refused};
pub use self::knock::{Knock, knock};
use self::target::Stream;
pub use self::target::{
    ClientIdentity, Protocol, Target, TlsOptions, TlsOptionsError, TlsVersions,
};

/// The event handler's limit for a whole exchange.
const EXCHANGE_LIMIT: Duration = Duration::from_secs(30);

/// A client with one connection, opened when it is needed and kept while it lasts.
#[derive(Debug)]
pub struct Client {
    target: Target,
    connection: Option<Connection>,
    opened: usize,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Reply {
    /// The body as text, for messages.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header's value as text, if it is there.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl Client {
    /// A client that has not connected yet.
    pub fn new(target: Target) -> Client {
        Client {
            target,
            connection: None,
            opened: 0,
        }
    }

    /// Posts one body as the event handler does; the given headers replace its own.
    pub async fn post(
        &mut self,
        path: &str,
        body: impl Into<Bytes>,
        headers: &[(&str, &str)],
    ) -> Result<Reply, ClientError> {
        self.send(Method::POST, path, body, headers).await
    }

    /// Sends a request of any method with the event handler's headers.
    pub async fn send(
        &mut self,
        method: Method,
        path: &str,
        body: impl Into<Bytes>,
        headers: &[(&str, &str)],
    ) -> Result<Reply, ClientError> {
        let request = self.request(method, path, body.into(), headers)?;
        match timeout(EXCHANGE_LIMIT, self.exchange(request)).await {
            Ok(result) => result,
            Err(_) => {
                self.connection = None;
                Err(ClientError::Timeout(EXCHANGE_LIMIT))
            }
        }
    }

    /// Another client on the same HTTP/2 connection; none on HTTP/1.1, or before the first
    /// request.
    pub fn share(&self) -> Option<Client> {
        let sender = match &self.connection.as_ref()?.sender {
            Sender::Http1(_) => return None,
            Sender::Http2(sender) => Sender::Http2(sender.clone()),
        };
        Some(Client {
            target: self.target.clone(),
            connection: Some(Connection { sender, task: None }),
            opened: 0,
        })
    }

    /// How many connections this client has opened so far.
    pub fn connections_opened(&self) -> usize {
        self.opened
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
        headers: &[(&str, &str)],
    ) -> Result<Request<Full<Bytes>>, ClientError> {
        let invalid = |error: hyper::http::Error| ClientError::Request(error);
        let host = self.target.authority();
        let protocol = self.target.protocol();
        let uri: Uri = match protocol {
            Protocol::Http1 => path.parse(),
            Protocol::Http2 => format!("{}://{host}{path}", self.target.scheme()).parse(),
        }
        .map_err(|error| invalid(hyper::http::Error::from(error)))?;

        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        let fields = request.headers_mut();
        if protocol == Protocol::Http1 {
            let host = HeaderValue::try_from(host).map_err(|error| invalid(error.into()))?;
            fields.insert(HOST, host);
        }
        let agent = match protocol {
            Protocol::Http1 => "Go-http-client/1.1",
            Protocol::Http2 => "Go-http-client/2.0",
        };
        fields.insert(USER_AGENT, HeaderValue::from_static(agent));
        fields.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        fields.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        for (name, value) in headers {
            let name = HeaderName::try_from(*name).map_err(|error| invalid(error.into()))?;
            let value = HeaderValue::try_from(*value).map_err(|error| invalid(error.into()))?;
            fields.insert(name, value);
        }
        Ok(request)
    }

    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Result<Reply, ClientError> {
        let mut connection = match self.connection.take() {
            Some(connection) if !connection.sender.is_closed() => connection,
            _ => {
                self.opened += 1;
                Connection::open(&self.target).await?
            }
        };
        let response = match connection.sender.send(request).await {
            Ok(response) => response,
            Err(error) => return Err(connection.failed(error).await),
        };
        let (head, body) = response.into_parts();
        let body = match body.collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) => return Err(connection.failed(error).await),
        };
        self.connection = Some(connection);
        Ok(Reply {
            status: head.status,
            headers: head.headers,
            body,
        })
    }
}

/// An open connection and the task that drives it; a shared one is driven by its first owner.
#[derive(Debug)]
struct Connection {
    sender: Sender,
    task: Option<JoinHandle<Result<(), hyper::Error>>>,
}

#[derive(Debug)]
enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

impl Connection {
    async fn open(target: &Target) -> Result<Connection, ClientError> {
        let stream = target.connect().await?;
        match target.protocol() {
            Protocol::Http1 => Connection::start_http1(stream).await,
            Protocol::Http2 => Connection::start_http2(stream).await,
        }
        .map_err(ClientError::from)
    }

    async fn start_http1(stream: Stream) -> Result<Connection, hyper::Error> {
        let (sender, driver) = http1::handshake(TokioIo::new(stream)).await?;
        Ok(Connection {
            sender: Sender::Http1(sender),
            task: Some(tokio::spawn(driver)),
        })
    }

    async fn start_http2(stream: Stream) -> Result<Connection, hyper::Error> {
        let (sender, driver) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
        Ok(Connection {
            sender: Sender::Http2(sender),
            task: Some(tokio::spawn(driver)),
        })
    }

    /// The better of two reasons: the request's own, and that of the connection under it.
    async fn failed(self, request: hyper::Error) -> ClientError {
        drop(self.sender);
        let connection = match self.task {
            Some(task) => task.await.ok().and_then(Result::err),
            None => None,
        };
        ClientError::Exchange {
            request,
            connection,
        }
    }
}

impl Sender {
    fn is_closed(&self) -> bool {
        match self {
            Sender::Http1(sender) => sender.is_closed(),
            Sender::Http2(sender) => sender.is_closed(),
        }
    }

    async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<hyper::body::Incoming>, hyper::Error> {
        match self {
            Sender::Http1(sender) => {
                sender.ready().await?;
                sender.send_request(request).await
            }
            Sender::Http2(sender) => {
                sender.ready().await?;
                sender.send_request(request).await
            }
        }
    }
}

#[cfg(test)]
mod tests;
