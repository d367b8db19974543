//! Keys and certificates: the mTLS set that Teleport's tool writes, and opening it again.
