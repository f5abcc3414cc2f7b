// What Rust's standard library takes its random numbers from on Windows, and Wine 8 does not have. Declared by hand,
// so that no header and no C library has to be built for it.

__declspec(dllimport) long BCryptGenRandom(void *algorithm, unsigned char *data, unsigned long size, unsigned long flags);

// The system's own generator, which needs no algorithm to be opened before.
enum { BCRYPT_USE_SYSTEM_PREFERRED_RNG = 2 };

__declspec(dllexport) int ProcessPrng(unsigned char *data, unsigned long long size) {
    return BCryptGenRandom(0, data, (unsigned long)size, BCRYPT_USE_SYSTEM_PREFERRED_RNG) >= 0;
}

int DllMainCRTStartup(void *library, unsigned long reason, void *reserved) {
    return 1;
}
