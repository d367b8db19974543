//! A connection that speaks HTTP/1.1: bytes made once go out, the head of the answer is looked at.

use std::sync::Arc;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::Reuse;
use super::target::{Failure, Target};

/// One connection, opened again when it is gone.
pub(crate) struct Http1 {
    target: Arc<Target>,
    reuse: Reuse,
    connection: Option<TlsStream<TcpStream>>,
    answer: BytesMut,
}

impl Http1 {
    pub(crate) async fn connect(target: &Arc<Target>, reuse: Reuse) -> Result<Http1, Failure> {
        Ok(Http1 {
            target: Arc::clone(target),
            reuse,
            connection: Some(target.connect().await?),
            answer: BytesMut::with_capacity(4096),
        })
    }

    /// Posts, and waits for the answer.
    pub(crate) async fn exchange(&mut self) -> Result<(), Failure> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.target.connect().await?,
        };
        let request = &self.target.http1_request;
        connection
            .write_all(request)
            .await
            .map_err(Failure::Broken)?;
        connection.flush().await.map_err(Failure::Broken)?;
        self.answer.clear();
        let head = loop {
            let read = connection.read_buf(&mut self.answer).await;
            if read.map_err(Failure::Broken)? == 0 {
                return Err(Failure::Closed);
            }
            if let Some(head) = Head::of_whole_answer(&self.answer)? {
                break head;
            }
        };
        if self.reuse == Reuse::KeepAlive && !head.closes {
            self.connection = Some(connection);
        }
        match head.status {
            200 | 204 => Ok(()),
            status => Err(Failure::Status(status)),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    closes: bool,
}

impl Head {
    /// None while there is more of the answer to come.
    fn of_whole_answer(bytes: &[u8]) -> Result<Option<Head>, Failure> {
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut answer = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(head_length) = answer.parse(bytes)? else {
            return Ok(None);
        };
        let value = |name: &str| {
            let mut headers = answer.headers.iter();
            let header = headers.find(|header| header.name.eq_ignore_ascii_case(name));
            header.and_then(|header| std::str::from_utf8(header.value).ok())
        };
        let body_length = value("content-length").and_then(|text| text.parse().ok());
        if bytes.len() < head_length + body_length.unwrap_or(0) {
            return Ok(None);
        }
        Ok(Some(Head {
            status: answer.code.unwrap_or_default(),
            closes: value("connection").is_some_and(|text| text.eq_ignore_ascii_case("close")),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_when_its_body_is() {
        let answer = b"HTTP/1.1 503 Busy\r\ncontent-LENGTH: 2\r\nConnection: Close\r\n\r\nno";
        for length in 0..answer.len() {
            assert!(Head::of_whole_answer(&answer[..length]).unwrap().is_none());
        }
        let head = Head::of_whole_answer(answer).unwrap().unwrap();
        assert_eq!((head.status, head.closes), (503, true));
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        assert!(Head::of_whole_answer(b"SSH-2.0-OpenSSH\r\n").is_err());
    }
}
