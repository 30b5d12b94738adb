/* Keeps, in the folder $SYNCED_COPIES, what a power failure would leave of a process's files at least: a copy of each
 * file as it was when it was last synced, and no file whose removal was synced with its folder. Loaded by LD_PRELOAD. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

static void copy_file(int file, const char *copy) {
    char temporary[4200], buffer[65536];
    snprintf(temporary, sizeof temporary, "%s.part", copy);
    int to = open(temporary, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    off_t at = 0;
    ssize_t got;
    /* The descriptor may be open for writing only. */
    char self[64];
    snprintf(self, sizeof self, "/proc/self/fd/%d", file);
    int from = open(self, O_RDONLY);
    while ((got = pread(from, buffer, sizeof buffer, at)) > 0) {
        if (write(to, buffer, (size_t) got) != got) abort();
        at += got;
    }
    close(from);
    close(to);
    rename(temporary, copy);
}

static void forget_removed(const char *folder, const char *copies) {
    DIR *listed = opendir(copies);
    struct dirent *entry;
    while (listed && (entry = readdir(listed))) {
        char original[4200], copy[4200];
        if (entry->d_name[0] == '.') continue;
        snprintf(original, sizeof original, "%s/%s", folder, entry->d_name);
        snprintf(copy, sizeof copy, "%s/%s", copies, entry->d_name);
        if (access(original, F_OK) != 0) unlink(copy);
    }
    if (listed) closedir(listed);
}

static int synced(const char *name, int file) {
    int (*next)(int) = (int (*)(int)) dlsym(RTLD_NEXT, name);
    int done = next(file);
    const char *copies = getenv("SYNCED_COPIES");
    char self[64], path[4096], copy[4200];
    struct stat what;
    if (done != 0 || !copies || fstat(file, &what) != 0) return done;
    snprintf(self, sizeof self, "/proc/self/fd/%d", file);
    ssize_t length = readlink(self, path, sizeof path - 1);
    if (length < 0) return done;
    path[length] = 0;
    pthread_mutex_lock(&one_at_a_time);
    if (S_ISDIR(what.st_mode)) {
        forget_removed(path, copies);
    } else {
        const char *base = strrchr(path, '/');
        snprintf(copy, sizeof copy, "%s%s", copies, base ? base : path);
        copy_file(file, copy);
    }
    pthread_mutex_unlock(&one_at_a_time);
    return done;
}

int fsync(int file) { return synced("fsync", file); }
int fdatasync(int file) { return synced("fdatasync", file); }
