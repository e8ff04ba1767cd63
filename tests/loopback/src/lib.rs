//! Addresses for tests, which nobody else is given.
//!
//! A test that binds to port 0 and lets the port go, to name it to a process or to
//! have nobody listen there, may find that a test beside it was given the same port in
//! the meantime. So here a port is kept.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};

use socket2::{Domain, Socket, Type};

/// What keeps the ports: bound, and never listening.
static KEPT: Mutex<Vec<Socket>> = Mutex::new(Vec::new());

/// An address of the loopback interface at which nobody listens: who connects is
/// refused. Until this process ends nobody is given its port who asks for any, and no
/// connection takes it. A server that is told the address can listen there, of this
/// process or another one, as often as it is started, if it sets `SO_REUSEADDR` (all
/// but hand-made sockets do).
///
/// On systems other than Linux a port cannot be both kept and listened at; there it is
/// free, and mostly nobody takes it.
///
/// ```
/// # use std::net::{TcpListener, TcpStream};
/// let address = rum_trace_loopback::reserved();
/// assert!(TcpStream::connect(address).is_err());
/// for _ in 0..2 {
///     let listener = TcpListener::bind(address).unwrap();
///     assert!(TcpStream::connect(address).is_ok());
///     drop(listener);
///     assert!(TcpStream::connect(address).is_err());
/// }
/// ```
///
/// # Panics
///
/// If there is no free port.
#[must_use]
pub fn reserved() -> SocketAddr {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_reuse_address(true).expect("an option");
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    socket.bind(&any.into()).expect("a free port");
    let address = socket.local_addr().expect("it is bound").as_socket();
    if cfg!(target_os = "linux") {
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push(socket);
    }
    address.expect("it is of IPv4")
}
