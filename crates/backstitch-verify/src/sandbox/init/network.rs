//! Raises the loopback interface of a fresh network namespace.

use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, recv, sendto, socket,
};

/// The loopback interface is the first one of every network namespace.
const LOOPBACK_INDEX: i32 = 1;

/// Asks the kernel, in one rtnetlink request, to set the interface's `up` flag.
pub(super) fn raise_loopback() -> nix::Result<()> {
    let socket = socket(
        AddressFamily::Netlink,
        SockType::Raw,
        SockFlag::SOCK_CLOEXEC,
        SockProtocol::NetlinkRoute,
    )?;
    let kernel = NetlinkAddr::new(0, 0);
    sendto(socket.as_raw_fd(), &request(), &kernel, MsgFlags::empty())?;
    let mut answer = [0_u8; 256];
    let length = recv(socket.as_raw_fd(), &mut answer, MsgFlags::empty())?;
    acknowledged(&answer[..length])
}

/// A `nlmsghdr` followed by an `ifinfomsg`, see rtnetlink(7).
fn request() -> Vec<u8> {
    // NLM_F_REQUEST and NLM_F_ACK, as the header has them: 16 bits wide.
    const FLAGS: u16 = 0x1 | 0x4;
    let up = libc::IFF_UP as u32;
    let mut bytes = Vec::with_capacity(32);
    bytes.extend(32_u32.to_ne_bytes());
    bytes.extend(libc::RTM_NEWLINK.to_ne_bytes());
    bytes.extend(FLAGS.to_ne_bytes());
    bytes.extend(1_u32.to_ne_bytes());
    bytes.extend(0_u32.to_ne_bytes());
    bytes.extend([0_u8; 4]);
    bytes.extend(LOOPBACK_INDEX.to_ne_bytes());
    bytes.extend(up.to_ne_bytes());
    bytes.extend(up.to_ne_bytes());
    bytes
}

/// The answer is an `nlmsgerr` whose number is zero or a negated error, see netlink(7).
fn acknowledged(answer: &[u8]) -> nix::Result<()> {
    let number = answer
        .get(16..20)
        .and_then(|bytes| <[u8; 4]>::try_from(bytes).ok());
    match number.map(i32::from_ne_bytes) {
        Some(0) => Ok(()),
        Some(negated) => Err(Errno::from_raw(-negated)),
        None => Err(Errno::EPROTO),
    }
}
