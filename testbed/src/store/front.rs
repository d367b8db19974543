//! The HTTP side of a store: takes connections, keeps the log, and lets faults happen.

use std::sync::{Arc, Mutex, PoisonError};

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::IF_NONE_MATCH;
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::service::S3Service;
use s3s::{Body, HttpError};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Fault, Faults, Refusal};

/// One request as it came and what became of it.
#[derive(Clone, Debug)]
pub struct LoggedRequest {
    /// Its method.
    pub method: Method,
    /// Bucket and key, percent-decoded, without the leading slash.
    pub path: String,
    /// The query, as it came.
    pub query: Option<String>,
    /// Its headers.
    pub headers: HeaderMap,
    /// What the client got.
    pub answer: Answer,
}

/// What a client got.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// A response of this status.
    Status(StatusCode),
    /// No response: the connection was cut.
    Cut,
}

impl LoggedRequest {
    /// Whether it put an object.
    pub fn is_put(&self) -> bool {
        self.method == Method::PUT && self.path.contains('/')
    }

    /// Whether it asked for something: HEAD, GET and LIST.
    pub fn is_read(&self) -> bool {
        self.method == Method::GET || self.method == Method::HEAD
    }

    /// The status of the answer, if there was one.
    pub fn status(&self) -> Option<StatusCode> {
        match self.answer {
            Answer::Status(status) => Some(status),
            Answer::Cut => None,
        }
    }
}

#[derive(Debug)]
pub(super) struct Front {
    service: S3Service,
    faults: Faults,
    log: Mutex<Vec<LoggedRequest>>,
    changes: watch::Sender<u64>,
}

impl Front {
    /// The receiver hears of every answer, after it is in the log and on the disk.
    pub(super) fn new(service: S3Service, faults: Faults) -> (Arc<Front>, watch::Receiver<u64>) {
        let (changes, heard) = watch::channel(0);
        let front = Front {
            service,
            faults,
            log: Mutex::default(),
            changes,
        };
        (Arc::new(front), heard)
    }

    pub(super) fn faults(&self) -> &Faults {
        &self.faults
    }

    pub(super) fn requests(&self) -> Vec<LoggedRequest> {
        self.log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, HttpError> {
        let mut logged = logged(&request);
        let result = self.respond(request, &logged).await;
        logged.answer = match &result {
            Ok(response) => Answer::Status(response.status()),
            Err(_) => Answer::Cut,
        };
        self.log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(logged);
        self.changes.send_modify(|count| *count += 1);
        result
    }

    async fn respond(
        &self,
        request: Request<Incoming>,
        logged: &LoggedRequest,
    ) -> Result<Response<Body>, HttpError> {
        if logged.is_read() && self.faults.reads_denied() {
            return Ok(Refusal::AccessDenied.response());
        }
        if !logged.is_put() {
            return self.store(request).await;
        }
        let cleared = self.faults.watch_clear();
        match self
            .faults
            .for_put(request.headers().contains_key(IF_NONE_MATCH))
        {
            None => self.store(request).await,
            Some(Fault::Refuse(refusal)) => {
                drain(request.into_body()).await;
                Ok(refusal.response())
            }
            Some(Fault::Cut) => Err(cut()),
            Some(Fault::StoreThenFail) => {
                self.store(request).await?;
                Ok(Refusal::InternalError.response())
            }
            Some(Fault::StoreThenCut) => {
                self.store(request).await?;
                Err(cut())
            }
            Some(Fault::StoreThenRefuse(refusal)) => {
                self.store(request).await?;
                Ok(refusal.response())
            }
            Some(Fault::StoreThenStall) => {
                let response = self.store(request).await?;
                self.faults.stall(cleared).await;
                Ok(response)
            }
            Some(Fault::Stall) => {
                self.faults.stall(cleared).await;
                self.store(request).await
            }
        }
    }

    async fn store(&self, request: Request<Incoming>) -> Result<Response<Body>, HttpError> {
        self.service.call(request.map(Body::from)).await
    }
}

/// Serves until the task is aborted; its connections end with it.
pub(super) async fn accept(listener: TcpListener, front: Arc<Front>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, Arc::clone(&front)));
                }
                Err(_) => return,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, front: Arc<Front>) {
    let service = service_fn(move |request| {
        let front = Arc::clone(&front);
        async move { front.answer(request).await }
    });
    // How a client leaves is its own affair; what it asked for is in the log.
    let _ = Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

fn logged(request: &Request<Incoming>) -> LoggedRequest {
    let path = request.uri().path().trim_start_matches('/');
    LoggedRequest {
        method: request.method().clone(),
        path: urlencoding::decode(path).map_or_else(|_| path.to_owned(), |path| path.into_owned()),
        query: request.uri().query().map(str::to_owned),
        headers: request.headers().clone(),
        answer: Answer::Cut,
    }
}

/// Reads a body to its end, so that the client is not cut off in the middle of it.
async fn drain(mut body: Incoming) {
    while let Some(Ok(_)) = body.frame().await {}
}

/// hyper aborts a connection whose service fails.
fn cut() -> HttpError {
    HttpError::new(Box::new(std::io::Error::other("cut on purpose")))
}
