/* Makes the file that $FAKE_WEBCAM names a webcam to whoever this is preloaded into: YUYV, 64x48, 25 fps.
   After $FAKE_WEBCAM_PICTURES of them it hangs, as devices do whose driver waits for ever. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

enum { WIDTH = 64, HEIGHT = 48, SIZE = WIDTH * HEIGHT * 2, BUFFERS = 8 };
static int camera = -1;
static unsigned char *memory;
static unsigned queue[BUFFERS], head, tail, pictures;

int open64(const char *path, int flags, ...) {
    va_list more; va_start(more, flags); mode_t mode = va_arg(more, mode_t); va_end(more);
    int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, "open64");
    const char *name = getenv("FAKE_WEBCAM");
    int fd = real(path, flags, mode);
    if (name && !strcmp(path, name)) camera = fd;
    return fd;
}
int open(const char *path, int flags, ...) {
    va_list more; va_start(more, flags); mode_t mode = va_arg(more, mode_t); va_end(more);
    return open64(path, flags, mode);
}

void *mmap64(void *at, size_t length, int protection, int flags, int fd, off_t offset) {
    void *(*real)(void *, size_t, int, int, int, off_t) = dlsym(RTLD_NEXT, "mmap64");
    if (fd < 0 || fd != camera) return real(at, length, protection, flags, fd, offset);
    return memory + offset;
}
void *mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset) {
    return mmap64(at, length, protection, flags, fd, offset);
}
int munmap(void *at, size_t length) {
    int (*real)(void *, size_t) = dlsym(RTLD_NEXT, "munmap");
    return memory && (unsigned char *)at >= memory && (unsigned char *)at < memory + BUFFERS * SIZE ? 0 : real(at, length);
}

static void format(struct v4l2_format *f) {
    f->fmt.pix = (struct v4l2_pix_format){.width = WIDTH, .height = HEIGHT, .pixelformat = V4L2_PIX_FMT_YUYV,
        .field = V4L2_FIELD_NONE, .bytesperline = WIDTH * 2, .sizeimage = SIZE};
}

static int answer(unsigned long request, void *data) {
    struct v4l2_buffer *buffer = data;
    switch (request) {
    case VIDIOC_QUERYCAP:
        ((struct v4l2_capability *)data)->capabilities = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
        return 0;
    case VIDIOC_G_FMT: case VIDIOC_S_FMT: case VIDIOC_TRY_FMT:
        format(data);
        return 0;
    case VIDIOC_G_PARM: case VIDIOC_S_PARM:
        ((struct v4l2_streamparm *)data)->parm.capture.timeperframe = (struct v4l2_fract){1, 25};
        return 0;
    case VIDIOC_G_INPUT:
        *(int *)data = 0;
        return 0;
    case VIDIOC_S_INPUT: case VIDIOC_STREAMON: case VIDIOC_STREAMOFF:
        return 0;
    case VIDIOC_ENUMINPUT:
        return 0;
    case VIDIOC_REQBUFS:
        ((struct v4l2_requestbuffers *)data)->count = BUFFERS;
        if (!memory) memory = calloc(BUFFERS, SIZE);
        return 0;
    case VIDIOC_QUERYBUF:
        buffer->length = SIZE;
        buffer->m.offset = buffer->index * SIZE;
        return 0;
    case VIDIOC_QBUF:
        queue[tail++ % BUFFERS] = buffer->index;
        return 0;
    case VIDIOC_DQBUF:
        if (getenv("FAKE_WEBCAM_PICTURES") && pictures >= (unsigned)atoi(getenv("FAKE_WEBCAM_PICTURES"))) pause();
        usleep(40000);
        if (head == tail) { errno = EAGAIN; return -1; }
        buffer->index = queue[head++ % BUFFERS];
        buffer->bytesused = SIZE;
        struct timespec now; clock_gettime(CLOCK_MONOTONIC, &now);
        buffer->timestamp = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
        memset(memory + buffer->index * SIZE, 64 + ++pictures % 64, SIZE);
        return 0;
    }
    errno = ENOTTY;
    return -1;
}

int ioctl(int fd, unsigned long request, ...) {
    va_list more; va_start(more, request); void *data = va_arg(more, void *); va_end(more);
    int (*real)(int, unsigned long, ...) = dlsym(RTLD_NEXT, "ioctl");
    return fd >= 0 && fd == camera ? answer((unsigned)request, data) : real(fd, request, data);
}
