//! forebay: takes audit events over mTLS HTTP, holds them safely, and puts them into S3 on time.

pub mod buffer;
pub mod decode;
pub mod host;
pub mod listener;
