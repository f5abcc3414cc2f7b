//! The ends of the children's pipes, and what becomes of them when the program forks.
//!
//! A forked child of the program inherits a copy of every end. As long as it lives, a runtime whose input is closed here
//! sees no end of it, and one whose parent is killed lives on. So right after a fork, in the child, `/dev/null` is put in
//! the place of each: the numbers stay taken, so an object of the parent's that is dropped there closes nobody else's
//! file. The C library calls that in every fork that it makes (`pthread_atfork`), whoever asked for it; what shares
//! memory until it executes a program (`vfork`, `posix_spawn`) it leaves alone, and so do we.
//!
//! Other threads may be in the midst of anything at the fork, so the table is read without a lock, and each number is
//! looked at before it is overwritten: it must still be the pipe that it was.
#![allow(unsafe_code, reason = "pthread_atfork, fstat and dup2 on numbers")]

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read, Write};
use std::mem::{ManuallyDrop, MaybeUninit};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};

/// One end of a pipe to a child: close-on-exec, never 0, 1 or 2.
#[derive(Debug)]
pub struct PipeEnd {
    file: ManuallyDrop<File>,
    slot: &'static Slot,
}

impl PipeEnd {
    /// The reading and the writing end of a new pipe.
    pub(super) fn pair() -> io::Result<(Self, Self)> {
        let (reader, writer) = io::pipe()?;
        Ok((Self::new(reader.into())?, Self::new(writer.into())?))
    }

    /// Ends above 2 only: lower ones would be overwritten while the child's stdio is laid out.
    fn new(fd: OwnedFd) -> io::Result<Self> {
        watch_forks()?;
        // A clone is numbered from 3 upwards and keeps close-on-exec.
        let fd = if fd.as_raw_fd() > libc::STDERR_FILENO {
            fd
        } else {
            fd.try_clone()?
        };
        let slot = Slot::take(fd.as_raw_fd());
        Ok(Self {
            file: ManuallyDrop::new(fd.into()),
            slot,
        })
    }
}

impl Drop for PipeEnd {
    fn drop(&mut self) {
        // Closed first: a number that is in no slot and still open would stay open in a child that is forked now.
        // SAFETY: the file is not used after this.
        drop(unsafe { ManuallyDrop::take(&mut self.file) });
        self.slot.fd.store(FREE, Ordering::Release);
    }
}

impl AsFd for PipeEnd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl AsRawFd for PipeEnd {
    fn as_raw_fd(&self) -> RawFd {
        self.file.as_raw_fd()
    }
}

impl Read for PipeEnd {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

impl Write for PipeEnd {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Of a slot that nobody has.
const FREE: RawFd = -1;
/// Of one that somebody is about to fill.
const TAKEN: RawFd = -2;

/// One open end.
#[derive(Debug)]
struct Slot {
    fd: AtomicI32,
    /// Which pipe it is.
    inode: AtomicU64,
}

/// Slots for the ends of some twenty children, and where there are more.
struct Chunk {
    slots: [Slot; 64],
    next: OnceLock<Box<Chunk>>,
}

static TABLE: Chunk = Chunk::new();

impl Chunk {
    const fn new() -> Self {
        Self {
            slots: [const {
                Slot {
                    fd: AtomicI32::new(FREE),
                    inode: AtomicU64::new(0),
                }
            }; 64],
            next: OnceLock::new(),
        }
    }
}

impl Slot {
    fn take(fd: RawFd) -> &'static Self {
        let mut chunk = &TABLE;
        loop {
            for slot in &chunk.slots {
                let free =
                    slot.fd
                        .compare_exchange(FREE, TAKEN, Ordering::Acquire, Ordering::Relaxed);
                if free.is_ok() {
                    slot.inode
                        .store(inode(fd).unwrap_or_default(), Ordering::Relaxed);
                    slot.fd.store(fd, Ordering::Release);
                    return slot;
                }
            }
            chunk = chunk.next.get_or_init(|| Box::new(Chunk::new()));
        }
    }
}

/// The number of the file behind a descriptor; of pipes each has its own.
fn inode(fd: RawFd) -> Option<u64> {
    let mut status = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: fstat writes all of the status if it succeeds, and a bad number is an error like others.
    unsafe { (libc::fstat(fd, status.as_mut_ptr()) == 0).then(|| status.assume_init().st_ino) }
}

/// From now on forks are told.
fn watch_forks() -> io::Result<()> {
    static WATCHED: OnceLock<libc::c_int> = OnceLock::new();
    // SAFETY: the handler is a function of this library, which is never unloaded while it can be called.
    let failure = *WATCHED
        .get_or_init(|| unsafe { libc::pthread_atfork(None, None, Some(let_go_in_forked_child)) });
    match failure {
        0 => Ok(()),
        number => Err(io::Error::from_raw_os_error(number)),
    }
}

thread_local! {
    /// The fork that this thread makes is the beginning of a child that needs its ends.
    static KEEPS: Cell<bool> = const { Cell::new(false) };
}

/// Forks without letting go, for a child that lays out its stdio itself.
#[cfg(not(target_os = "linux"))]
pub(super) fn keeping_ends<T>(fork: impl FnOnce() -> T) -> T {
    KEEPS.set(true);
    let forked = fork();
    KEEPS.set(false);
    forked
}

/// In the forked child, whose only thread this is: async-signal-safe calls only.
extern "C" fn let_go_in_forked_child() {
    if KEEPS.get() {
        return;
    }
    let mut null = FREE;
    let mut chunk = Some(&TABLE);
    while let Some(Chunk { slots, next }) = chunk {
        for slot in slots {
            let fd = slot.fd.load(Ordering::Acquire);
            if fd >= 0 && inode(fd) == Some(slot.inode.load(Ordering::Relaxed)) {
                // SAFETY: the number is an inherited copy of an end of ours, which nobody uses here.
                unsafe { put_null(fd, &mut null) };
            }
        }
        chunk = next.get().map(|next| &**next);
    }
    if null >= 0 {
        // SAFETY: it was opened here.
        unsafe { libc::close(null) };
    }
}

/// Puts `/dev/null` in the place of `fd`. `null` is an open one, or `FREE`.
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
        if *null < 0 {
            *null = open();
        }
        if *null < 0 {
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

    /// Whether a forked copy of this process has `/dev/null` in the place of `fd`.
    fn is_null_in_a_forked_copy(fd: RawFd) -> bool {
        let null = inode(File::open("/dev/null").unwrap().as_raw_fd());
        // SAFETY: the copy only makes system calls.
        unsafe {
            let copy = libc::fork();
            if copy == 0 {
                libc::_exit(i32::from(inode(fd) == null));
            }
            let mut status = -1;
            assert_eq!(libc::waitpid(copy, &raw mut status, 0), copy);
            libc::WEXITSTATUS(status) == 1
        }
    }

    #[test]
    fn a_forked_copy_lets_go_of_open_ends_and_of_nothing_else() {
        let (reader, writer) = PipeEnd::pair().unwrap();
        assert!(is_null_in_a_forked_copy(reader.as_raw_fd()));
        assert!(is_null_in_a_forked_copy(writer.as_raw_fd()));
        // A number whose end was closed a moment ago, and which somebody else has got.
        let other = File::open("/proc/self/stat").unwrap();
        reader.slot.fd.store(other.as_raw_fd(), Ordering::Release);
        assert!(!is_null_in_a_forked_copy(other.as_raw_fd()));
        let number = writer.as_raw_fd();
        drop((reader, writer));
        assert!(!is_null_in_a_forked_copy(number));
    }

    #[test]
    fn there_is_a_slot_for_each_of_very_many_ends() {
        let pairs: Vec<_> = (0..100).map(|_| PipeEnd::pair().unwrap()).collect();
        let (_, last) = pairs.last().unwrap();
        assert!(is_null_in_a_forked_copy(last.as_raw_fd()));
    }
}
