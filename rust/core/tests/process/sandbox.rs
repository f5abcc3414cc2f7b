//! System calls that this process may not make any more, as in a sandbox or on an older system.

/// A call: its number, and what its first argument is if that matters.
pub type Call = (libc::c_long, Option<u32>);

pub fn pidfds() -> Call {
    (libc::SYS_pidfd_open, None)
}

pub fn waits_by_pidfd() -> Call {
    (libc::SYS_waitid, Some(libc::P_PIDFD))
}

/// From now on the call fails with this error, in this process and all that it starts.
pub fn forbid(&(number, argument): &Call, errno: i32) {
    let statement = |code, jf, k| libc::sock_filter {
        code: u16::try_from(code).expect("small"),
        jt: 0,
        jf,
        k,
    };
    let load = |at| statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, at);
    let unless = |jf, value| statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, jf, value);
    let answer = |value| statement(libc::BPF_RET | libc::BPF_K, 0, value);
    let number = u32::try_from(number).expect("small");
    // The call's number stands first, its arguments from the 16th byte on.
    let mut filter = vec![load(0)];
    match argument {
        Some(argument) => filter.extend([unless(3, number), load(16), unless(1, argument)]),
        None => filter.push(unless(1, number)),
    }
    filter.push(answer(libc::SECCOMP_RET_ERRNO | errno.unsigned_abs()));
    filter.push(answer(libc::SECCOMP_RET_ALLOW));
    let program = libc::sock_fprog {
        len: u16::try_from(filter.len()).expect("small"),
        filter: filter.as_mut_ptr(),
    };
    // SAFETY: the filter is as long as it says, and the system copies it.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        let mode = libc::SECCOMP_MODE_FILTER;
        let set = libc::prctl(libc::PR_SET_SECCOMP, mode, &raw const program);
        assert_eq!(set, 0);
    }
}
