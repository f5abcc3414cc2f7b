//! Reads and writes that are begun, and waited for beside other handles.
//!
//! The system writes into the buffer and the record of an operation until that is over. So both live on the heap, are touched
//! by nobody meanwhile, and are freed only after an operation that was cancelled has come to its end.
#![allow(unsafe_code, reason = "overlapped operations have no safe interface")]

use std::cell::UnsafeCell;
use std::io;
use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, OwnedHandle};
use std::ptr;
use std::time::Instant;

use windows_sys::Win32::Foundation::{
    ERROR_BROKEN_PIPE, ERROR_IO_INCOMPLETE, ERROR_IO_PENDING, ERROR_PIPE_NOT_CONNECTED,
};
use windows_sys::Win32::Storage::FileSystem::{ReadFile, WriteFile};
use windows_sys::Win32::System::IO::{CancelIoEx, GetOverlappedResult, OVERLAPPED};

use super::event::Event;
use super::wait::wait;

/// Bytes that are asked of the system at once: what a pipe holds. What a write has beyond that the system would keep in
/// memory that is never paged out, until somebody reads it.
const AT_ONCE: u32 = 64 * 1024;

/// A pipe with one operation at a time.
struct Lane {
    pipe: OwnedHandle,
    done: Event,
    record: Box<UnsafeCell<OVERLAPPED>>,
    /// The operation is the system's until its result was taken.
    is_under_way: bool,
}

// SAFETY: the record is only touched through `&mut self`, and by the system.
unsafe impl Send for Lane {}

impl Lane {
    fn new(pipe: OwnedHandle) -> io::Result<Self> {
        Ok(Self {
            pipe,
            done: Event::latch()?,
            record: Box::default(),
            is_under_way: false,
        })
    }

    /// Begins an operation: `begin` gets the pipe and the record, and returns what the system call has returned.
    fn begin(
        &mut self,
        begin: impl FnOnce(*mut core::ffi::c_void, *mut OVERLAPPED) -> i32,
    ) -> io::Result<()> {
        let record = self.record.get();
        // SAFETY: no operation is under way, so the record is ours. The call below makes the event silent first.
        unsafe {
            *record = OVERLAPPED {
                hEvent: self.done.as_handle().as_raw_handle(),
                ..OVERLAPPED::default()
            };
        }
        if begin(self.pipe.as_raw_handle(), record) == 0 {
            let error = io::Error::last_os_error();
            if error.raw_os_error() != Some(ERROR_IO_PENDING.cast_signed()) {
                return Err(error);
            }
        }
        self.is_under_way = true;
        Ok(())
    }

    /// The bytes of the operation, once it is over; with `waits` that is waited for.
    fn result(&mut self, waits: bool) -> io::Result<Option<usize>> {
        let mut bytes = 0;
        // SAFETY: the record is that of the operation under way, and the count this frame's.
        let is_over = unsafe {
            GetOverlappedResult(
                self.pipe.as_raw_handle(),
                self.record.get(),
                &raw mut bytes,
                waits.into(),
            )
        };
        if is_over == 0 {
            let error = io::Error::last_os_error();
            if error.raw_os_error() == Some(ERROR_IO_INCOMPLETE.cast_signed()) {
                return Ok(None);
            }
            self.is_under_way = false;
            return Err(error);
        }
        self.is_under_way = false;
        usize::try_from(bytes).map(Some).map_err(io::Error::other)
    }

    fn cancel(&mut self) {
        if self.is_under_way {
            // SAFETY: the record is that of the operation under way.
            unsafe { CancelIoEx(self.pipe.as_raw_handle(), self.record.get()) };
            // However it ended: that it has is what counts.
            let _ = self.result(true);
        }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// What a reader has.
pub(super) enum Chunk<'r> {
    /// None at all where somebody wrote nothing, which is no end: more may stand behind it.
    Bytes(&'r [u8]),
    /// Nothing yet.
    Nothing,
    /// The last of those who could write has closed the pipe.
    End,
}

/// Our end of a pipe from the child.
///
/// The reads are of the thread that asks for them: the system cancels them should it end.
pub(super) struct PipeReader {
    /// Stands before the buffer, so that it is dropped first: its read is over before the buffer is freed.
    lane: Lane,
    buffer: Box<[u8]>,
    /// A read could not be begun.
    failed: Option<io::Error>,
}

impl PipeReader {
    pub fn new(pipe: OwnedHandle) -> io::Result<Self> {
        Ok(Self {
            lane: Lane::new(pipe)?,
            buffer: vec![0; AT_ONCE as usize].into(),
            failed: None,
        })
    }

    /// Begins to read, if it does not yet. What it returns is signalled as soon as [`Self::take`] has something to tell.
    pub fn listen(&mut self) -> BorrowedHandle<'_> {
        if !self.lane.is_under_way && self.failed.is_none() {
            let buffer = self.buffer.as_mut_ptr();
            let begun = self.lane.begin(|pipe, record| {
                // SAFETY: the buffer has so many bytes, and is not touched before the operation is over.
                unsafe { ReadFile(pipe, buffer, AT_ONCE, ptr::null_mut(), record) }
            });
            if let Err(error) = begun {
                self.failed = Some(error);
                self.lane.done.set();
            }
        }
        self.lane.done.as_handle()
    }

    /// Takes what has come.
    pub fn take(&mut self) -> io::Result<Chunk<'_>> {
        let now = Some(Instant::now());
        if !wait(&[self.listen()], now)? {
            return Ok(Chunk::Nothing);
        }
        let result = match self.failed.take() {
            Some(error) => Err(error),
            None => self.lane.result(false),
        };
        match result {
            Ok(None) => Ok(Chunk::Nothing),
            Ok(Some(count)) => Ok(Chunk::Bytes(&self.buffer[..count])),
            Err(error) if is_end(&error) => Ok(Chunk::End),
            Err(error) => Err(error),
        }
    }
}

fn is_end(error: &io::Error) -> bool {
    [ERROR_BROKEN_PIPE, ERROR_PIPE_NOT_CONNECTED]
        .map(|code| Some(code.cast_signed()))
        .contains(&error.raw_os_error())
}

/// Our end of a pipe to the child.
pub(super) struct PipeWriter(Lane);

impl PipeWriter {
    pub fn new(pipe: OwnedHandle) -> io::Result<Self> {
        Lane::new(pipe).map(Self)
    }

    /// Writes some of the bytes, which are not empty, and returns how many: `None` if `stop` is signalled while there is no
    /// room. How many went out then nobody knows.
    pub fn write(&mut self, bytes: &[u8], stop: &Event) -> io::Result<Option<usize>> {
        let length = u32::try_from(bytes.len()).map_or(AT_ONCE, |length| length.min(AT_ONCE));
        self.0.begin(|pipe, record| {
            // SAFETY: there are no fewer bytes, and they are borrowed until the operation is over: this function does not
            // return before, and nothing in between panics.
            unsafe { WriteFile(pipe, bytes.as_ptr(), length, ptr::null_mut(), record) }
        })?;
        loop {
            match self.0.result(false) {
                Ok(None) => {}
                result => return result,
            }
            let waited = wait(&[self.0.done.as_handle(), stop.as_handle()], None);
            let is_stopped = wait(&[stop.as_handle()], Some(Instant::now()));
            if !matches!((&waited, &is_stopped), (Ok(_), Ok(false))) {
                self.0.cancel();
                waited?;
                return is_stopped.map(|_| None);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read;

    use super::super::pipe::{Direction, pipe};
    use super::*;

    #[test]
    fn a_write_asks_the_system_for_no_more_than_a_pipe_holds() {
        let (ours, theirs) = pipe(Direction::ToChild).unwrap();
        let reader = std::thread::spawn(|| {
            let mut read = Vec::new();
            File::from(theirs).read_to_end(&mut read).map(|_| read)
        });
        let mut writer = PipeWriter::new(ours).unwrap();
        let stop = Event::latch().unwrap();
        let bytes = vec![b'x'; 1_000_000];
        let count = writer.write(&bytes, &stop).unwrap().unwrap();
        assert!(count <= 64 * 1024, "{count}");
        drop(writer);
        assert_eq!(reader.join().unwrap().unwrap(), bytes[..count]);
    }
}
