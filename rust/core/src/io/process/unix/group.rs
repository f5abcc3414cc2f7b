//! What is left of the child's process group when its leader has ended: MCP servers and their like,
//! which nobody else ends. Called while the leader's zombie still pins the group's id; sends nothing itself but through
//! the child's guarded signal.

use std::time::Duration;

use super::pid::{Pid, Signal};
use super::shutdown::Leftovers;

/// Ends the group. `signal` sends to it as long as its id is pinned, and says whether it was.
pub(super) fn sweep(leader: Pid, grace: Duration, signal: impl Fn(Signal) -> bool) -> Leftovers {
    let members = members::living(leader);
    if members.as_ref().is_ok_and(Vec::is_empty) {
        // Also when nobody was seen: a process that forks while it is looked for can be missed.
        return if signal(Signal::Kill) {
            Leftovers::None
        } else {
            Leftovers::Unpinned
        };
    }
    if !signal(Signal::Terminate) {
        return Leftovers::Unpinned;
    }
    let found = match members.map(|members| members::wait_gone(members, grace)) {
        Ok(true) => Leftovers::Terminated,
        Ok(false) => Leftovers::Killed,
        Err(_) => Leftovers::Unseen,
    };
    signal(Signal::Kill);
    found
}

#[cfg(target_os = "linux")]
mod members {
    //! `/proc` names the members; a pidfd each tells without polling when they end.

    use std::os::fd::OwnedFd;
    use std::time::{Duration, Instant};
    use std::{fs, io};

    use rustix::io::Errno;
    use rustix::process::{Pid as RawPid, PidfdFlags, pidfd_open};

    use super::super::pid::Pid;
    use super::super::poll::{poll, readable, reports};

    pub fn living(leader: Pid) -> io::Result<Vec<OwnedFd>> {
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let entry = entry?;
            let name = entry.file_name();
            let pid = name.to_str().and_then(|name| name.parse().ok());
            let Some(pid) = pid.and_then(RawPid::from_raw) else {
                continue;
            };
            // Unreadable: it ended meanwhile, or it is not ours to see and so not in our group.
            let Ok(stat) = fs::read(entry.path().join("stat")) else {
                continue;
            };
            if is_living_member(&stat, leader) {
                match pidfd_open(pid, PidfdFlags::empty()) {
                    Err(Errno::SRCH) => {}
                    opened => found.push(opened?),
                }
            }
        }
        Ok(found)
    }

    /// Whether all have ended within the grace.
    pub fn wait_gone(mut members: Vec<OwnedFd>, grace: Duration) -> bool {
        let deadline = Instant::now().checked_add(grace);
        while !members.is_empty() {
            let mut watched: Vec<_> = members.iter().map(readable).collect();
            if poll(&mut watched, deadline).is_err() || !watched.iter().any(reports) {
                return false;
            }
            let ended: Vec<_> = watched.iter().map(reports).collect();
            let mut ended = ended.into_iter();
            members.retain(|_| !ended.next().unwrap_or(true));
        }
        true
    }

    /// `stat` is `pid (name) state parent group …`, and the name may contain anything, also spaces
    /// and parentheses.
    pub fn is_living_member(stat: &[u8], leader: Pid) -> bool {
        let Some(name_end) = stat.iter().rposition(|&byte| byte == b')') else {
            return false;
        };
        let mut fields = stat[name_end + 1..]
            .split(u8::is_ascii_whitespace)
            .filter(|field| !field.is_empty());
        let state = fields.next();
        let group = fields
            .nth(1)
            .and_then(|group| str::from_utf8(group).ok())
            .and_then(|group| group.parse().ok());
        group == Some(leader.0.as_raw_nonzero().get()) && !matches!(state, Some(b"Z" | b"X"))
    }
}

#[cfg(not(target_os = "linux"))]
mod members {
    //! No portable way to see a group's members.

    use std::io;
    use std::time::Duration;

    use super::super::pid::Pid;

    pub fn living(_leader: Pid) -> io::Result<Vec<()>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub fn wait_gone(_members: Vec<()>, _grace: Duration) -> bool {
        false
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::Pid as RawPid;

    use super::Pid;
    use super::members::is_living_member;

    fn is_member_of_77(stat: &[u8]) -> bool {
        is_living_member(stat, Pid(RawPid::from_raw(77).unwrap()))
    }

    #[test]
    fn a_member_is_known_by_its_group_whatever_its_name() {
        assert!(is_member_of_77(b"12 (a) Z 1 9 (b)) S 1 77 77 0"));
        assert!(!is_member_of_77(b"12 (sh) S 77 78 77 0"));
    }

    #[test]
    fn a_zombie_is_not_a_living_member() {
        assert!(!is_member_of_77(b"77 (sh) Z 1 77 77 0"));
    }

    #[test]
    fn a_cut_line_is_nobody() {
        assert!(!is_member_of_77(b"12 (sh"));
        assert!(!is_member_of_77(b"12 (sh) S 1"));
    }
}
