//! Memory for the system's other programs.
//!
//! Judging a mail takes ten megabytes for a moment, and the next mail may come tomorrow. The
//! allocator of glibc keeps what was freed between pieces that are still in use, so a daemon that
//! has once read a mailbox would hold it for years.

/// Gives freed memory back to the system, where the allocator can.
#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "the only way to ask glibc")]
pub fn give_back() {
    // SAFETY: malloc_trim(3) takes any number, touches only what is free, and locks for itself.
    unsafe { libc::malloc_trim(0) };
}

/// Gives freed memory back to the system, where the allocator can.
#[cfg(not(target_env = "gnu"))]
pub fn give_back() {}
