//! Whose a connection is: a process is known by the sockets that its group has open.

use std::{io, net::SocketAddr};

use rustix::process::Pid;

/// Whether a process of this group has opened the connection from `peer` to `ours`.
///
/// # Errors
/// The system does not report it.
#[cfg(target_os = "linux")]
pub(super) fn is_of_group(group: Pid, peer: SocketAddr, ours: SocketAddr) -> io::Result<bool> {
    use procfs::{
        net,
        process::{FDTarget, Process, all_processes},
    };

    let same = |a: SocketAddr, b: SocketAddr| (a.ip().to_canonical(), a.port()) == (b.ip().to_canonical(), b.port());
    let is_theirs = |entry: &net::TcpNetEntry| same(entry.local_address, peer) && same(entry.remote_address, ours);
    // A socket for IPv6 may have been connected to the IPv4 address.
    let sockets = net::tcp().map_err(io::Error::other)?.into_iter().chain(net::tcp6().unwrap_or_default());
    let Some(socket) = sockets.into_iter().find(is_theirs).map(|entry| entry.inode) else { return Ok(false) };

    let has_open = |process: &Process| {
        let mut files = process.fd().ok().into_iter().flatten().flatten();
        files.any(|file| matches!(file.target, FDTarget::Socket(inode) if inode == socket))
    };
    let group = group.as_raw_nonzero().get();
    if Process::new(group).is_ok_and(|leader| has_open(&leader)) {
        return Ok(true);
    }
    let members = all_processes().map_err(io::Error::other)?.flatten();
    let mut members = members.filter(|process| process.stat().is_ok_and(|stat| stat.pgrp == group));
    Ok(members.any(|member| has_open(&member)))
}

/// Elsewhere the owner of a connection is unknown.
#[cfg(not(target_os = "linux"))]
pub(super) fn is_of_group(_group: Pid, _peer: SocketAddr, _ours: SocketAddr) -> io::Result<bool> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "functions and tasks run on Linux only"))
}
