//! What is left of the child's process group when its leader has ended: MCP servers and their like,
//! which nobody else ends. Only the reaper calls it, while the leader's zombie still pins the
//! group's id; it sends nothing itself but through the reaper's guarded signal.

use std::time::Duration;

use super::pid::{Pid, Signal};

/// What was found in the child's process group after the child had ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leftovers {
    /// Nobody.
    None,
    /// Processes that ended within the grace after SIGTERM.
    Terminated,
    /// Processes that needed SIGKILL.
    Killed,
    /// This system does not show a group's members: whoever was there got SIGTERM and SIGKILL at
    /// once.
    Unseen,
    /// The zombie was taken by somebody else, so the group's id may belong to strangers: nothing
    /// was sent.
    Unpinned,
}

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
    #![allow(unsafe_code, reason = "pidfd_open has no safe interface")]

    use std::os::fd::{FromRawFd, OwnedFd, RawFd};
    use std::time::{Duration, Instant};
    use std::{fs, io};

    use super::super::pid::Pid;
    use super::super::poll::{poll, readable};

    pub fn living(leader: Pid) -> io::Result<Vec<OwnedFd>> {
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let Some(pid) = entry?
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok())
            else {
                continue;
            };
            // Unreadable: it ended meanwhile, or it is not ours to see and so not in our group.
            let Ok(stat) = fs::read(format!("/proc/{pid}/stat")) else {
                continue;
            };
            if is_living_member(&stat, leader) {
                found.extend(open(pid)?);
            }
        }
        Ok(found)
    }

    /// Whether all have ended within the grace.
    pub fn wait_gone(mut members: Vec<OwnedFd>, grace: Duration) -> bool {
        let deadline = Instant::now().checked_add(grace);
        while !members.is_empty() {
            let mut watched: Vec<_> = members.iter().map(readable).collect();
            if poll(&mut watched, deadline).is_err()
                || watched.iter().all(|member| member.revents == 0)
            {
                return false;
            }
            let mut ended = watched.iter().map(|member| member.revents != 0);
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
        group == Some(leader.0) && !matches!(state, Some(b"Z" | b"X"))
    }

    fn open(pid: libc::pid_t) -> io::Result<Option<OwnedFd>> {
        // SAFETY: the call takes two numbers and returns a new close-on-exec descriptor or -1.
        let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
        if fd == -1 {
            let error = io::Error::last_os_error();
            return if error.raw_os_error() == Some(libc::ESRCH) {
                Ok(None)
            } else {
                Err(error)
            };
        }
        let fd = RawFd::try_from(fd).map_err(io::Error::other)?;
        // SAFETY: the kernel has just given it to us and nobody else knows it.
        Ok(Some(unsafe { OwnedFd::from_raw_fd(fd) }))
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
    use super::Pid;
    use super::members::is_living_member;

    #[test]
    fn a_member_is_known_by_its_group_whatever_its_name() {
        assert!(is_living_member(b"12 (a) Z 1 9 (b)) S 1 77 77 0", Pid(77)));
        assert!(!is_living_member(b"12 (sh) S 77 78 77 0", Pid(77)));
    }

    #[test]
    fn a_zombie_is_not_a_living_member() {
        assert!(!is_living_member(b"77 (sh) Z 1 77 77 0", Pid(77)));
    }

    #[test]
    fn a_cut_line_is_nobody() {
        assert!(!is_living_member(b"12 (sh", Pid(77)));
        assert!(!is_living_member(b"12 (sh) S 1", Pid(77)));
    }
}
