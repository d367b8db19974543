//! Opening the socket.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

use super::Config;

/// Why nothing listens.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another process listens there.
    #[error("cannot listen on {address}: the port is in use by another process")]
    InUse {
        /// Where.
        address: SocketAddr,
    },
    /// The port is one that not everybody may listen on.
    #[error(
        "cannot listen on {address}: ports below 1024 are for root and who has CAP_NET_BIND_SERVICE"
    )]
    Privileged {
        /// Where.
        address: SocketAddr,
    },
    /// The system refuses the address or the port.
    #[error("cannot listen on {address}")]
    Refused {
        /// Where.
        address: SocketAddr,
        /// The system's reason.
        source: io::Error,
    },
    /// The name to bind to has no address.
    #[error("cannot listen on {host}: it is neither an address nor a known name")]
    UnknownHost {
        /// What was found in the configuration.
        host: String,
        /// The resolver's reason.
        source: io::Error,
    },
}

/// Opens the socket and tells its real address.
pub(super) fn bind(config: &Config) -> Result<(TcpListener, SocketAddr), BindError> {
    let address = resolve(&config.bind, config.port)?;
    open(address, config.backlog).map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => BindError::InUse { address },
        io::ErrorKind::PermissionDenied if address.port() < 1024 => {
            BindError::Privileged { address }
        }
        _ => BindError::Refused { address, source },
    })
}

/// The first address of `host`, which may be an address itself, with or without brackets.
fn resolve(host: &str, port: u16) -> Result<SocketAddr, BindError> {
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    (bare, port)
        .to_socket_addrs()
        .and_then(|mut found| {
            found
                .next()
                .ok_or_else(|| io::ErrorKind::AddrNotAvailable.into())
        })
        .map_err(|source| BindError::UnknownHost {
            host: host.to_owned(),
            source,
        })
}

fn open(address: SocketAddr, backlog: u32) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    // A restart must not wait for the old process's connections to leave TIME_WAIT.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
    socket.set_nonblocking(true)?;
    let listener = TcpListener::from_std(socket.into())?;
    let bound = listener.local_addr()?;
    Ok((listener, bound))
}

#[cfg(test)]
mod tests {
    use super::super::{Limits, Transport};
    use super::*;

    fn config(bind: &str, port: u16) -> Config {
        Config {
            bind: bind.to_owned(),
            port,
            backlog: 16,
            transport: Transport::Plain,
            limits: Limits::default(),
        }
    }

    #[tokio::test]
    async fn port_zero_takes_a_free_port() {
        let (_socket, address) = bind(&config("127.0.0.1", 0)).unwrap();
        assert_ne!(address.port(), 0);
    }

    #[tokio::test]
    async fn a_port_in_use_is_named() {
        let (_socket, address) = bind(&config("127.0.0.1", 0)).unwrap();
        let error = bind(&config("127.0.0.1", address.port())).unwrap_err();
        let expected = format!("cannot listen on {address}: the port is in use by another process");
        assert_eq!(error.to_string(), expected);
    }

    #[tokio::test]
    async fn brackets_around_an_address_are_taken_off() {
        assert_eq!(
            resolve("[::1]", 8888).unwrap(),
            "[::1]:8888".parse().unwrap()
        );
    }

    #[tokio::test]
    async fn a_host_that_is_no_name_is_refused() {
        let error = bind(&config("not a host", 0)).unwrap_err();
        assert!(matches!(error, BindError::UnknownHost { .. }), "{error}");
    }
}
