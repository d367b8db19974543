//! A stream of an HTTP/2 connection, with hyper's client.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::target::{Failure, Target};

/// Requests on a connection that clones share; one that has lost it opens its own.
#[derive(Clone)]
pub(super) struct Http2 {
    target: Arc<Target>,
    connection: SendRequest<Full<Bytes>>,
}

impl Http2 {
    pub(super) async fn connect(target: &Arc<Target>) -> Result<Http2, Failure> {
        Ok(Http2 {
            target: Arc::clone(target),
            connection: connection(target).await?,
        })
    }

    /// Posts, and waits for the answer.
    pub(super) async fn exchange(&mut self) -> Result<(), Failure> {
        if self.connection.is_closed() {
            self.connection = connection(&self.target).await?;
        }
        self.connection.ready().await?;
        let request = self.target.http2_request();
        let (head, mut body) = self.connection.send_request(request).await?.into_parts();
        while let Some(frame) = body.frame().await {
            frame?;
        }
        match head.status.as_u16() {
            200 | 204 => Ok(()),
            status => Err(Failure::Status(status)),
        }
    }
}

async fn connection(target: &Target) -> Result<SendRequest<Full<Bytes>>, Failure> {
    let stream = target.connect().await?;
    let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
    // How it ends is told to those who wait for answers.
    tokio::spawn(connection);
    Ok(sender)
}
