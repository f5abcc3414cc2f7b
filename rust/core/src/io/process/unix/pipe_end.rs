//! The ends of the children's pipes, and what becomes of them when the program forks.
//!
//! A forked child of the program inherits a copy of every end. As long as it lives, a runtime whose input is closed here
//! sees no end of it, and one whose parent is killed lives on. So right after a fork, in the child, `/dev/null` is put in
//! the place of each: the numbers stay taken, so an object of the parent's that is dropped there closes nobody else's
//! file. The C library calls that in every fork that it makes (`pthread_atfork`), whoever asked for it; what shares
//! memory until it executes a program (`vfork`, `posix_spawn`) it leaves alone, and so do we.
//!
//! One lock is held while an end is made or closed, and over every fork: so a child finds in the table exactly what it
//! has inherited, and its copy of the lock is its own.
#![allow(
    unsafe_code,
    reason = "pthread_atfork, a lock that is held over a fork, dup2 on numbers"
)]

use std::cell::UnsafeCell;
use std::fs::File;
use std::io::{self, Read, Write};
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::OnceLock;

/// One end of a pipe to a child: close-on-exec, never 0, 1 or 2.
#[derive(Debug)]
pub struct PipeEnd(ManuallyDrop<File>);

impl PipeEnd {
    /// The reading and the writing end of a new pipe.
    pub(super) fn pair() -> io::Result<(Self, Self)> {
        watch_forks()?;
        TABLE.with(|open| {
            let (reader, writer) = io::pipe()?;
            let reader = above_stdio(reader.into())?;
            let writer = above_stdio(writer.into())?;
            open.extend([reader.as_raw_fd(), writer.as_raw_fd()]);
            let [reader, writer] = [reader, writer].map(|end| Self(ManuallyDrop::new(end.into())));
            Ok((reader, writer))
        })
    }
}

/// Lower ones would be overwritten while the child's stdio is laid out.
fn above_stdio(fd: OwnedFd) -> io::Result<OwnedFd> {
    // A clone is numbered from 3 upwards and keeps close-on-exec.
    if fd.as_raw_fd() > libc::STDERR_FILENO {
        Ok(fd)
    } else {
        fd.try_clone()
    }
}

impl Drop for PipeEnd {
    fn drop(&mut self) {
        TABLE.with(|open| {
            let number = self.as_raw_fd();
            open.retain(|other| *other != number);
            // SAFETY: the file is not used after this.
            drop(unsafe { ManuallyDrop::take(&mut self.0) });
        });
    }
}

impl AsFd for PipeEnd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for PipeEnd {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl Read for PipeEnd {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for PipeEnd {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self).flush()
    }
}

impl Write for &PipeEnd {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self.0).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self.0).flush()
    }
}

/// The open ends, behind a lock of the C library's: one that may be released by another copy of the thread that took it.
struct Table {
    lock: UnsafeCell<libc::pthread_mutex_t>,
    open: UnsafeCell<Vec<RawFd>>,
}

// SAFETY: the ends are touched by the holder of the lock only.
unsafe impl Sync for Table {}

static TABLE: Table = Table {
    lock: UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER),
    open: UnsafeCell::new(Vec::new()),
};

impl Table {
    fn lock(&self) {
        // SAFETY: the mutex is static, so it is never moved, and was initialised.
        unsafe { libc::pthread_mutex_lock(self.lock.get()) };
    }

    fn unlock(&self) {
        // SAFETY: as in `lock`; called by its holder, or by that one's copy in a forked child.
        unsafe { libc::pthread_mutex_unlock(self.lock.get()) };
    }

    fn with<T>(&self, change: impl FnOnce(&mut Vec<RawFd>) -> T) -> T {
        struct Unlocked<'t>(&'t Table);
        impl Drop for Unlocked<'_> {
            fn drop(&mut self) {
                self.0.unlock();
            }
        }
        self.lock();
        let _unlocked = Unlocked(self);
        // SAFETY: this thread holds the lock, and nothing below takes it.
        change(unsafe { &mut *self.open.get() })
    }
}

/// From now on forks are told.
fn watch_forks() -> io::Result<()> {
    static WATCHED: OnceLock<libc::c_int> = OnceLock::new();
    // SAFETY: the handlers are functions of this library, which is never unloaded while they can be called.
    let failure = *WATCHED.get_or_init(|| unsafe {
        libc::pthread_atfork(Some(before_fork), Some(after_fork), Some(in_forked_child))
    });
    match failure {
        0 => Ok(()),
        number => Err(io::Error::from_raw_os_error(number)),
    }
}

extern "C" fn before_fork() {
    TABLE.lock();
}

extern "C" fn after_fork() {
    TABLE.unlock();
}

/// In the forked child, whose only thread this is: async-signal-safe calls only.
extern "C" fn in_forked_child() {
    let mut null = NONE;
    // SAFETY: the forking thread took the lock, and this is its copy. The numbers are inherited copies of ends of
    // ours, which nobody uses here.
    unsafe {
        for &fd in &*TABLE.open.get() {
            put_null(fd, &mut null);
        }
        if null != NONE {
            libc::close(null);
        }
    }
    TABLE.unlock();
}

/// No descriptor.
const NONE: RawFd = -1;

/// Puts `/dev/null` in the place of `fd`. `null` is an open one, or `NONE`.
///
/// # Safety
/// Nobody uses `fd`.
unsafe fn put_null(fd: RawFd, null: &mut RawFd) {
    let open = || {
        // SAFETY: the path ends with NUL.
        unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC) }
    };
    // SAFETY: as promised by the caller; the rest are numbers.
    unsafe {
        if *null == NONE {
            *null = open();
        }
        if *null == NONE {
            // No descriptor is to be had: this one makes room, and is the lowest that is free.
            libc::close(fd);
            open();
            return;
        }
        if libc::dup2(*null, fd) >= 0 {
            libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_null(fd: RawFd) -> bool {
        let path = format!("/proc/self/fd/{fd}");
        std::fs::read_link(path).is_ok_and(|link| link.to_str() == Some("/dev/null"))
    }

    /// Whether a forked copy of this process has `/dev/null` in the place of each of these.
    fn are_null_in_a_forked_copy(ends: &[RawFd]) -> bool {
        // SAFETY: the copy reads links and leaves; this process has no other thread that holds the allocator's lock for
        // ever, which the C library sees to.
        unsafe {
            let copy = libc::fork();
            if copy == 0 {
                libc::_exit(i32::from(ends.iter().all(|end| is_null(*end))));
            }
            let mut status = -1;
            assert_eq!(libc::waitpid(copy, &raw mut status, 0), copy);
            libc::WEXITSTATUS(status) == 1
        }
    }

    #[test]
    fn a_forked_copy_lets_go_of_open_ends_and_of_nothing_else() {
        let (reader, writer) = PipeEnd::pair().unwrap();
        let ends = [reader.as_raw_fd(), writer.as_raw_fd()];
        assert!(are_null_in_a_forked_copy(&ends));
        assert!(!is_null(ends[0]) && !is_null(ends[1]));
        let other = File::open("/proc/self/stat").unwrap();
        assert!(!are_null_in_a_forked_copy(&[other.as_raw_fd()]));
    }

    #[test]
    fn forks_beside_ends_that_come_and_go_find_none_left() {
        let stop = std::sync::atomic::AtomicBool::new(false);
        let stopped = || stop.load(std::sync::atomic::Ordering::Relaxed);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stopped() {
                    drop(PipeEnd::pair().unwrap());
                }
            });
            for _ in 0..300 {
                // SAFETY: as above. The lock is the copy's own.
                unsafe {
                    let copy = libc::fork();
                    if copy == 0 {
                        let left = (*TABLE.open.get()).iter().any(|end| !is_null(*end));
                        TABLE.lock();
                        libc::_exit(i32::from(left));
                    }
                    let mut status = -1;
                    assert_eq!(libc::waitpid(copy, &raw mut status, 0), copy);
                    assert_eq!(status, 0);
                }
            }
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
        });
    }
}
