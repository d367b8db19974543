//! Asks for the TLS handshake alone.

use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::time::timeout;

use super::error::alert_of;
use super::{ClientError, Refused, Target};

/// How a listener takes a client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Knock {
    /// It waits for a request, or has begun to talk HTTP/2.
    Accepted,
    /// It does not want this client.
    Refused(Refused),
}

/// Does the handshake and then listens without sending anything. In TLS 1.3 the server
/// judges our certificate after we are through, and a request on the wire at that moment
/// can cost us its alert; so patience, and no request, tells a refusal for certain.
pub async fn knock(target: &Target, patience: Duration) -> Result<Knock, ClientError> {
    let mut stream = match target.connect().await {
        Ok(stream) => stream,
        Err(error) => return error.refused().map(Knock::Refused).ok_or(error),
    };
    let mut byte = [0];
    match timeout(patience, stream.read(&mut byte)).await {
        Err(_) | Ok(Ok(1..)) => Ok(Knock::Accepted),
        Ok(Ok(0)) => Ok(Knock::Refused(Refused::Closed)),
        Ok(Err(error)) => Ok(Knock::Refused(
            alert_of(&error).map_or(Refused::Closed, Refused::Alert),
        )),
    }
}
