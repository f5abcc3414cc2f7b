//! The job: the child and all that it starts, as one thing that can be ended.
#![allow(unsafe_code, reason = "jobs have no safe interface")]

use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr;
use std::thread::sleep;
use std::time::{Duration, Instant};

use windows_sys::Win32::System::JobObjects::{
    CreateJobObjectW, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE, JOBOBJECT_BASIC_ACCOUNTING_INFORMATION,
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION, JobObjectBasicAccountingInformation,
    JobObjectExtendedLimitInformation, QueryInformationJobObject, SetInformationJobObject,
    TerminateJobObject,
};

/// What those exit with that are ended; Python's `terminate()` has the same.
const ENDED: u32 = 1;

/// When the system is asked again whether all have ended, which a job tells a completion port alone: after twice as long each time, up to
/// the second.
const ASK_AGAIN: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(50)];

/// Whoever is in it ends when this is dropped, and also when this process ends.
#[derive(Debug)]
pub(super) struct Job(OwnedHandle);

impl Job {
    pub fn new() -> io::Result<Self> {
        // SAFETY: neither attributes, so it is not inherited, nor a name are given.
        let handle = unsafe { CreateJobObjectW(ptr::null(), ptr::null()) };
        if handle.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the handle was made just now, and is nobody else's.
        let job = Self(unsafe { OwnedHandle::from_raw_handle(handle) });
        let mut limits = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
        limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
        // SAFETY: the handle is open, and the record is of the class and size that are given.
        let is_set = unsafe {
            SetInformationJobObject(
                job.as_raw(),
                JobObjectExtendedLimitInformation,
                (&raw const limits).cast(),
                size(&limits),
            )
        };
        if is_set == 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(job)
    }

    pub fn as_raw(&self) -> *mut core::ffi::c_void {
        self.0.as_raw_handle()
    }

    /// Ends all who are in it, and waits until nobody is; false when somebody still is after `timeout`.
    pub fn end(&self, timeout: Duration) -> bool {
        let deadline = Instant::now().checked_add(timeout);
        let [mut pause, longest] = ASK_AGAIN;
        loop {
            // Each time: who was just being started has come in since.
            // SAFETY: the handle is open, with all rights. So it does not fail.
            unsafe { TerminateJobObject(self.as_raw(), ENDED) };
            if self.is_empty() {
                return true;
            }
            if deadline.is_some_and(|at| at <= Instant::now()) {
                return false;
            }
            sleep(pause);
            pause = longest.min(pause * 2);
        }
    }

    /// Whether nobody is in it.
    fn is_empty(&self) -> bool {
        let mut accounting = JOBOBJECT_BASIC_ACCOUNTING_INFORMATION::default();
        // SAFETY: the handle is open, and the record is of the class and size that are given.
        let is_told = unsafe {
            QueryInformationJobObject(
                self.as_raw(),
                JobObjectBasicAccountingInformation,
                (&raw mut accounting).cast(),
                size(&accounting),
                ptr::null_mut(),
            )
        };
        is_told != 0 && accounting.ActiveProcesses == 0
    }
}

fn size<T>(value: &T) -> u32 {
    u32::try_from(size_of_val(value)).expect("a record of some bytes")
}
