//! Reading a request's body within its limits.

use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use tokio::time::timeout;

use super::Limits;

/// Why a body was not read to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    #[error("the body ended early: {reason}")]
    Broken { reason: String },
    #[error("the body did not come within {} s", deadline.as_secs())]
    Slow { deadline: Duration },
    #[error("the body is larger than body_size_limit, {limit} bytes")]
    TooLarge { limit: usize },
}

/// The whole body, without copying it if it came in one piece.
pub(super) async fn read(body: Body, limits: &Limits) -> Result<Bytes, BodyError> {
    let Limits {
        body: limit,
        deadline,
        ..
    } = *limits;
    // What Content-Length announces is refused before any of it is read.
    if body.size_hint().lower() > limit as u64 {
        return Err(BodyError::TooLarge { limit });
    }
    timeout(deadline, collect(body, limit))
        .await
        .unwrap_or(Err(BodyError::Slow { deadline }))
}

async fn collect(mut body: Body, limit: usize) -> Result<Bytes, BodyError> {
    let Some(first) = next(&mut body).await? else {
        return Ok(Bytes::new());
    };
    within(limit, first.len())?;
    if body.is_end_stream() {
        return Ok(first);
    }
    // Not as much as Content-Length says: memory is for what came, not for what was promised.
    let mut whole = BytesMut::from(first);
    while let Some(piece) = next(&mut body).await? {
        within(limit, whole.len() + piece.len())?;
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}

/// The next piece of data; trailers are passed over.
async fn next(body: &mut Body) -> Result<Option<Bytes>, BodyError> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(broken)?;
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

fn within(limit: usize, length: usize) -> Result<(), BodyError> {
    if length > limit {
        return Err(BodyError::TooLarge { limit });
    }
    Ok(())
}

/// The innermost reason: what wraps it says only that it is about a body.
fn broken(error: axum::Error) -> BodyError {
    let mut reason: &dyn std::error::Error = &error;
    while let Some(source) = reason.source() {
        reason = source;
    }
    BodyError::Broken {
        reason: reason.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use hyper::body::Frame;
    use tokio::sync::mpsc;

    use super::*;

    const LIMITS: Limits = Limits {
        body: 8,
        decompressed: 0,
        deadline: Duration::from_secs(60),
    };

    /// A body that comes piece by piece and says nothing about its length.
    struct Pieces(mpsc::UnboundedReceiver<io::Result<&'static str>>);

    impl axum::body::HttpBody for Pieces {
        type Data = Bytes;
        type Error = io::Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
            let piece = self.0.poll_recv(cx);
            piece.map(|piece| {
                Some(piece?.map(|text| Frame::data(Bytes::from_static(text.as_bytes()))))
            })
        }
    }

    async fn read_pieces(
        pieces: impl IntoIterator<Item = io::Result<&'static str>>,
    ) -> Result<Bytes, BodyError> {
        let (sender, receiver) = mpsc::unbounded_channel();
        for piece in pieces {
            sender.send(piece).unwrap();
        }
        drop(sender);
        read(Body::new(Pieces(receiver)), &LIMITS).await
    }

    #[tokio::test]
    async fn pieces_are_put_together() {
        assert_eq!(
            read_pieces([Ok("{\"a"), Ok("\":1}")]).await.unwrap(),
            "{\"a\":1}"
        );
        assert_eq!(read_pieces([]).await.unwrap(), "");
    }

    #[tokio::test]
    async fn a_body_in_one_piece_is_not_copied() {
        let piece = Bytes::from_static(b"{}");
        let read = read(Body::from(piece.clone()), &LIMITS).await.unwrap();
        assert_eq!(read.as_ptr(), piece.as_ptr());
    }

    #[tokio::test]
    async fn the_limit_is_the_last_size_that_is_taken() {
        assert!(read_pieces([Ok("1234"), Ok("5678")]).await.is_ok());
        for pieces in [vec!["123456789"], vec!["1234", "56789"]] {
            let over = read_pieces(pieces.iter().map(|piece| Ok(*piece))).await;
            assert!(
                matches!(over, Err(BodyError::TooLarge { limit: 8 })),
                "{over:?}"
            );
        }
        // Known before it is read: no piece would ever come.
        let announced = read(Body::from("123456789"), &LIMITS).await;
        assert!(matches!(announced, Err(BodyError::TooLarge { limit: 8 })));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_given_up() {
        let (_open, receiver) = mpsc::unbounded_channel();
        let start = tokio::time::Instant::now();
        let slow = read(Body::new(Pieces(receiver)), &LIMITS).await;
        assert!(matches!(slow, Err(BodyError::Slow { .. })), "{slow:?}");
        assert_eq!(start.elapsed().as_secs(), 60);
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_refused_with_the_reason() {
        let broken = read_pieces([Ok("12"), Err(io::Error::other("reset"))]).await;
        assert_eq!(
            broken.unwrap_err().to_string(),
            "the body ended early: reset"
        );
    }
}
