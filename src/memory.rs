//! Memory for the system's other programs.
//!
//! Judging a mail takes ten megabytes for a moment, and the next mail may come tomorrow. The
//! allocator of glibc keeps what was freed between pieces that are still in use, and a heap of its
//! own for each thread; a daemon that has once read a mailbox would hold all that for years.

/// Asks the allocator to be sparing rather than fast. To be called before there are threads.
#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "the only way to ask glibc")]
pub fn be_sparing() {
    /// Larger blocks go back to the system as soon as they are freed, in bytes.
    const LARGE: libc::c_int = 64 << 10;
    // SAFETY: mallopt(3) refuses what it does not know; no other thread is allocating.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
    }
}

/// Gives freed memory back to the system.
#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "the only way to ask glibc")]
pub fn give_back() {
    // SAFETY: malloc_trim(3) takes any number, touches only what is free, and locks for itself.
    unsafe { libc::malloc_trim(0) };
}

/// Other allocators are not asked.
#[cfg(not(target_env = "gnu"))]
pub fn be_sparing() {}

/// Other allocators are not asked.
#[cfg(not(target_env = "gnu"))]
pub fn give_back() {}
