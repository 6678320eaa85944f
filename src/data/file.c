/* A file as a whole: read, or replaced so that either the old or the new one is there, whatever happens. */
#include "data/file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <unstuck/safetensors.h>

static us_status file_fail(us_context *context, const char *path, const char *what) {
    return us__fail(context, US_ERR_IO, "%s: %s: %s", path, what, strerror(errno));
}

static us_status file_fail_read(us_context *context, const char *path) {
    return us__fail(context, US_ERR_INPUT, "%s: cannot be read: %s", path, strerror(errno));
}

/* Writes it all; false with errno set. */
static bool file_write(int file, const char *bytes, size_t size) {
    while (size > 0) {
        ssize_t n = write(file, bytes, size < 1u << 30 ? size : 1u << 30);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        bytes += n;
        size -= (size_t)n;
    }
    return true;
}

us_status us__file_sync_folder(us_context *context, const char *folder) {
    int file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    us_status status = /* some file systems cannot, and say EINVAL */
        file < 0 || (fsync(file) != 0 && errno != EINVAL) ? file_fail(context, folder, "cannot be synced") : US_OK;
    if (file >= 0) close(file);
    return status;
}

/* The folder's entry, too, must be on the disk. */
static us_status file_sync_folder(us_context *context, const char *path) {
    const char *slash = strrchr(path, '/');
    char *folder = slash ? us__text_copy(context, path) : us__text_copy(context, ".");
    if (!folder) return US_ERR_NOMEM;
    if (slash) folder[slash == path ? 1 : slash - path] = '\0';
    us_status status = us__file_sync_folder(context, folder);
    us__release(context, folder);
    return status;
}

/* A pipe or a device is written to; nothing can take its place. */
static us_status file_write_into(us_context *context, const char *path, const void *bytes, size_t size) {
    int file = open(path, O_WRONLY | O_CLOEXEC);
    us_status status = file >= 0 && file_write(file, bytes, size) ? US_OK : file_fail(context, path, "cannot be written");
    if (file >= 0 && close(file) != 0 && status == US_OK) status = file_fail(context, path, "cannot be written");
    return status;
}

us_status us_file_replace(us_context *context, const char *path, const void *bytes, size_t size) {
    struct stat about;
    if (stat(path, &about) == 0 && !S_ISREG(about.st_mode) && !S_ISDIR(about.st_mode))
        return file_write_into(context, path, bytes, size);
    char *target = realpath(path, NULL); /* a link stays, and what it names is replaced */
    char *beside = us__text_format(context, "%s.part", target ? target : path);
    if (!beside) {
        free(target);
        return US_ERR_NOMEM;
    }
    us_status status = US_OK;
    int file = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0) {
        status = file_fail(context, path, "cannot be written");
        goto done;
    }
    bool written = file_write(file, bytes, size) && fsync(file) == 0;
    int reason = errno;
    if (close(file) != 0 && written) {
        written = false;
        reason = errno;
    }
    errno = reason;
    if (!written || rename(beside, target ? target : path) != 0) {
        status =
            file_fail(context, path, written ? "cannot be replaced" : "writing failed, and what was there is as before");
        unlink(beside);
        goto done;
    }
    status = file_sync_folder(context, target ? target : path);
done:
    us__release(context, beside);
    free(target);
    return status;
}

us_status us_safetensors_read(us_tensors **out, us_context *context, const char *path) {
    struct stat about;
    char *bytes = NULL;
    us_status status = US_OK;
    *out = NULL;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe without a writer must not hang */
    if (file < 0) return file_fail_read(context, path);
    if (fstat(file, &about) != 0) {
        status = file_fail_read(context, path);
        goto done;
    }
    if (!S_ISREG(about.st_mode)) {
        status = us__fail(context, US_ERR_INPUT, "%s: is not a file", path);
        goto done;
    }
    size_t size = (size_t)about.st_size, have = 0;
    if (!(bytes = us__alloc(context, size, 1))) {
        status = US_ERR_NOMEM;
        goto done;
    }
    while (have < size) {
        ssize_t n = read(file, bytes + have, size - have);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            status = file_fail_read(context, path);
            goto done;
        }
        if (n == 0) break; /* it became shorter meanwhile; decoding says so */
        have += (size_t)n;
    }
    status = us_safetensors_decode(out, context, path, bytes, have);
done:
    us__release(context, bytes);
    close(file);
    return status;
}
