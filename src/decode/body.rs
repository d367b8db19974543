//! Reading a request's body within its limits.

use std::error::Error as StdError;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::Body;
use tokio::time::timeout;

use super::Limits;
use super::budget::{Budget, NoRoom, Room};

/// A request's body: hyper's, or what a test makes.
pub(super) trait RequestBody: Body<Data = Bytes, Error: StdError> + Send + Unpin {}

impl<B: Body<Data = Bytes, Error: StdError> + Send + Unpin> RequestBody for B {}

/// Why a body was not read to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    #[error("the body ended early: {reason}")]
    Broken { reason: String },
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    #[error("the body did not come within {} s", deadline.as_secs())]
    Slow { deadline: Duration },
    #[error("the body is larger than body_size_limit, {limit} bytes")]
    TooLarge { limit: usize },
}

/// The whole body, without copying it if it came in one piece, and its room in the budget.
pub(super) async fn read<'b>(
    body: &mut impl RequestBody,
    limits: &Limits,
    budget: &'b Budget,
) -> Result<(Bytes, Room<'b>), BodyError> {
    let limit = limits.body;
    let announced = body.size_hint();
    // What Content-Length announces is refused before any of it is read.
    let least = usize::try_from(announced.lower()).unwrap_or(usize::MAX);
    within(limit, least)?;
    // Without an announcement it is taken for a small body until it is none.
    let booked = match announced.exact() {
        Some(_) => least,
        None => least.max(Budget::SMALL),
    };
    let mut intake = Intake {
        room: budget.room(booked).await?,
        booked,
        budget,
        limit,
    };
    let bytes = in_time(limits.deadline, pin!(intake.collect(body))).await?;
    Ok((bytes, intake.room))
}

/// Most bodies are there when they are asked for, and need no timer.
async fn in_time<T>(
    deadline: Duration,
    mut reading: Pin<&mut impl Future<Output = Result<T, BodyError>>>,
) -> Result<T, BodyError> {
    let at_once = poll_fn(|context| Poll::Ready(reading.as_mut().poll(context))).await;
    match at_once {
        Poll::Ready(read) => read,
        Poll::Pending => Box::pin(timeout(deadline, reading))
            .await
            .unwrap_or(Err(BodyError::Slow { deadline })),
    }
}

/// A body that is being read.
struct Intake<'b> {
    room: Room<'b>,
    /// As many bytes as it has room for.
    booked: usize,
    budget: &'b Budget,
    limit: usize,
}

impl Intake<'_> {
    async fn collect(&mut self, body: &mut impl RequestBody) -> Result<Bytes, BodyError> {
        let Some(first) = next(body).await? else {
            return Ok(Bytes::new());
        };
        self.expect(first.len()).await?;
        if body.is_end_stream() {
            return Ok(first);
        }
        let mut whole = BytesMut::from(first);
        // There is room for it in the budget, and what is never written to takes no memory.
        if let Some(rest) = body.size_hint().exact() {
            whole.reserve(usize::try_from(rest).unwrap_or_default());
        }
        while let Some(piece) = next(body).await? {
            self.expect(whole.len() + piece.len()).await?;
            whole.extend_from_slice(&piece);
        }
        Ok(whole.freeze())
    }

    /// So much of the body is here now.
    async fn expect(&mut self, length: usize) -> Result<(), BodyError> {
        within(self.limit, length)?;
        if length > self.booked {
            // Nobody knows how much is still to come.
            Box::pin(self.budget.grow(&mut self.room, self.limit)).await?;
            self.booked = self.limit;
        }
        Ok(())
    }
}

/// The next piece of data; trailers are passed over.
async fn next(body: &mut impl RequestBody) -> Result<Option<Bytes>, BodyError> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| broken(&error))?;
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
fn broken(error: &dyn StdError) -> BodyError {
    let mut reason = error;
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

    use axum::body::Body;
    use hyper::body::Frame;
    use tokio::sync::mpsc;

    use super::*;

    const LIMITS: Limits = Limits {
        body: 8,
        decompressed: 0,
        memory: 1 << 20,
        deadline: Duration::from_secs(60),
    };

    /// A body that comes piece by piece and says nothing about its length.
    struct Pieces(mpsc::UnboundedReceiver<io::Result<&'static str>>);

    impl hyper::body::Body for Pieces {
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
        read_body(Body::new(Pieces(receiver))).await
    }

    async fn read_body(mut body: Body) -> Result<Bytes, BodyError> {
        let budget = Budget::new(LIMITS.memory);
        Ok(read(&mut body, &LIMITS, &budget).await?.0)
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
        let read = read_body(Body::from(piece.clone())).await.unwrap();
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
        let announced = read_body(Body::from("123456789")).await;
        assert!(matches!(announced, Err(BodyError::TooLarge { limit: 8 })));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_given_up() {
        let (_open, receiver) = mpsc::unbounded_channel();
        let start = tokio::time::Instant::now();
        let slow = read_body(Body::new(Pieces(receiver))).await;
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

    #[tokio::test]
    async fn an_announced_body_has_room_for_its_length_and_no_more() {
        let budget = Budget::new(LIMITS.memory);
        let (_, room) = read(&mut Body::from("1234"), &LIMITS, &budget)
            .await
            .unwrap();
        assert_eq!(room.bytes(), 4);
    }

    #[tokio::test]
    async fn a_body_of_unknown_length_gets_room_for_the_largest_once_it_is_not_small() {
        let limits = Limits {
            body: 4 * Budget::SMALL,
            ..LIMITS
        };
        let piece: &'static str = "x".repeat(Budget::SMALL).leak();
        let both = Budget::SMALL + limits.body;
        for (pieces, booked) in [(1, Budget::SMALL), (2, both)] {
            let (sender, receiver) = mpsc::unbounded_channel();
            for _ in 0..pieces {
                sender.send(Ok(piece)).unwrap();
            }
            drop(sender);
            let budget = Budget::new(LIMITS.memory);
            let mut body = Body::new(Pieces(receiver));
            let (_, room) = read(&mut body, &limits, &budget).await.unwrap();
            assert_eq!(room.bytes(), booked);
        }
    }
}
