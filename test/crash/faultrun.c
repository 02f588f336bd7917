/*
 * Runs a program with everything it starts, stops before every system call that changes something below a directory,
 * and at one of them injects a fault: the crash points of extupdate (test/crash).
 *
 *   faultrun [ORDER...] -- PROGRAM [ARG...]
 *
 * A "point" is such a system call; they are counted over all processes and threads, from 1. Orders:
 *   below=DIR        the directory
 *   log=FILE         gets one line a point: number, program, call, what it changes
 *   at=N do=FAULT    what to do at point N:
 *     kill             SIGKILL for all processes, before the call
 *     kill-one         SIGKILL for the process that makes the call
 *     error=N          the call fails with errno N (and is not made)
 *     errors=N         this call and all later ones fail with errno N
 *     short            write(2) and its like take less than they were given
 *     stop=MS          nothing runs any more for MS milliseconds, then SIGKILL for all
 *     cut=FLAG         a power cut: the ioctl FS_IOC_SHUTDOWN with FLAG on the file system of DIR; from then on nothing
 *                      reaches the disk
 *   cut-after=USEC   the same as cut=, at a moment instead of a point
 *   sync-at=N        the file system is written out before point N, as the kernel does by itself now and then
 *   starts=1         starts of programs are points, too
 *   copies=DIR2      DIR is copied to DIR2/N before point N: the tree that a SIGKILL there would leave
 * A program that knows of us gives new orders by mkdir("/.faultrun/ORDER ORDER ..."), which counts points from 1 again.
 * The status is that of the program, or 128 and the number of the signal that ended it; 99 for a defect of this program.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#if !defined(__x86_64__)
#error "registers are known for x86-64 only"
#endif

#define FS_IOC_SHUTDOWN _IOR('X', 125, uint32_t)
#define FICLONE_CALL 0x40049409
#define FICLONERANGE_CALL 0x4020940d
#define SETFLAGS_CALL 0x40086602
#define SETFLAGS32_CALL 0x40046602

/* How the arguments of a call name what it changes. */
enum shape { FD, PATH, AT, TWO_PATHS, TWO_AT, LINK, LINK_AT, COPY_RANGE, IOCTL, START };
struct call { int number; const char *name; enum shape shape; int flags; };

static const struct call calls[] = {
  { SYS_open, "open", PATH, 1 }, { SYS_openat, "openat", AT, 2 }, { SYS_openat2, "openat2", AT, -1 },
  { SYS_creat, "creat", PATH, -1 }, { SYS_write, "write", FD, -1 }, { SYS_pwrite64, "pwrite64", FD, -1 },
  { SYS_writev, "writev", FD, -1 }, { SYS_pwritev, "pwritev", FD, -1 }, { SYS_pwritev2, "pwritev2", FD, -1 },
  { SYS_fsync, "fsync", FD, -1 }, { SYS_fdatasync, "fdatasync", FD, -1 }, { SYS_syncfs, "syncfs", FD, -1 },
  { SYS_ftruncate, "ftruncate", FD, -1 }, { SYS_truncate, "truncate", PATH, -1 },
  { SYS_fallocate, "fallocate", FD, -1 }, { SYS_rename, "rename", TWO_PATHS, -1 },
  { SYS_renameat, "renameat", TWO_AT, -1 }, { SYS_renameat2, "renameat2", TWO_AT, -1 },
  { SYS_unlink, "unlink", PATH, -1 }, { SYS_unlinkat, "unlinkat", AT, -1 }, { SYS_rmdir, "rmdir", PATH, -1 },
  { SYS_mkdir, "mkdir", PATH, -1 }, { SYS_mkdirat, "mkdirat", AT, -1 }, { SYS_mknod, "mknod", PATH, -1 },
  { SYS_mknodat, "mknodat", AT, -1 }, { SYS_symlink, "symlink", LINK, -1 },
  { SYS_symlinkat, "symlinkat", LINK_AT, -1 }, { SYS_link, "link", TWO_PATHS, -1 },
  { SYS_linkat, "linkat", TWO_AT, -1 }, { SYS_chmod, "chmod", PATH, -1 }, { SYS_fchmod, "fchmod", FD, -1 },
  { SYS_fchmodat, "fchmodat", AT, -1 }, { SYS_chown, "chown", PATH, -1 }, { SYS_lchown, "lchown", PATH, -1 },
  { SYS_fchown, "fchown", FD, -1 }, { SYS_fchownat, "fchownat", AT, -1 }, { SYS_utimensat, "utimensat", AT, -1 },
  { SYS_utime, "utime", PATH, -1 }, { SYS_utimes, "utimes", PATH, -1 }, { SYS_futimesat, "futimesat", AT, -1 },
  { SYS_setxattr, "setxattr", PATH, -1 }, { SYS_lsetxattr, "lsetxattr", PATH, -1 },
  { SYS_fsetxattr, "fsetxattr", FD, -1 }, { SYS_removexattr, "removexattr", PATH, -1 },
  { SYS_lremovexattr, "lremovexattr", PATH, -1 }, { SYS_fremovexattr, "fremovexattr", FD, -1 },
  { SYS_sendfile, "sendfile", FD, -1 }, { SYS_copy_file_range, "copy_file_range", COPY_RANGE, -1 },
  { SYS_ioctl, "ioctl", IOCTL, -1 }, { SYS_execve, "execve", START, -1 },
};
#define CALLS (sizeof calls / sizeof *calls)

static pid_t leader;

static char below[2048], copies[2048], fault[64];
static size_t below_length;
static FILE *log_file;
static long at, sync_at, cut_after, starts, point;
static volatile sig_atomic_t alarmed;
static int killing;

static void die(const char *what) {
  perror(what);
  if (leader > 0) kill(-leader, SIGKILL);
  exit(99);
}

/* What is not in the group of the program is killed when it stops for us: numbers of processes that we only remember may
 * be those of others by now. */
static void kill_all(void) {
  killing = 1;
  kill(-leader, SIGKILL);
}

static int open_below(void) {
  int fd = open(below, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) die(below);
  return fd;
}

static void cut_power(void) {
  uint32_t flag = atoi(fault + 4);
  int fd = open_below();
  if (ioctl(fd, FS_IOC_SHUTDOWN, &flag) != 0) die("FS_IOC_SHUTDOWN");
  close(fd);
}

static void write_out(void) {
  int fd = open_below();
  syncfs(fd);
  close(fd);
}

static void copy_tree(void) {
  char to[4096];
  snprintf(to, sizeof to, "%s/%ld", copies, point);
  pid_t pid = fork();
  if (pid == 0) {
    execlp("cp", "cp", "-a", "--reflink=auto", below, to, NULL);
    _exit(99);
  }
  int status;
  if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) die("cp");
}

static void on_alarm(int signal) { (void)signal; alarmed = 1; }

/* Takes one order; 0 when there is no such order. */
static int take_order(const char *word) {
  if (strncmp(word, "below=", 6) == 0) snprintf(below, sizeof below, "%s", word + 6);
  else if (strncmp(word, "log=", 4) == 0) {
    if (log_file) fclose(log_file);
    log_file = fopen(word + 4, "we");
  } else if (strncmp(word, "at=", 3) == 0) at = atol(word + 3);
  else if (strncmp(word, "do=", 3) == 0) snprintf(fault, sizeof fault, "%s", word + 3);
  else if (strncmp(word, "sync-at=", 8) == 0) sync_at = atol(word + 8);
  else if (strncmp(word, "cut-after=", 10) == 0) cut_after = atol(word + 10);
  else if (strncmp(word, "starts=", 7) == 0) starts = atol(word + 7);
  else if (strncmp(word, "copies=", 7) == 0) snprintf(copies, sizeof copies, "%s", word + 7);
  else return 0;
  return 1;
}

static void forget_orders(void) {
  at = sync_at = cut_after = -1;
  point = starts = 0;
  alarmed = 0;
  fault[0] = copies[0] = 0;
}

/* After the last order. */
static void begin(void) {
  below_length = strlen(below);
  struct itimerval timer = { .it_value = { 0, 0 } };
  if (cut_after > 0) timer.it_value = (struct timeval){ cut_after / 1000000, cut_after % 1000000 };
  setitimer(ITIMER_REAL, &timer, NULL);
}

/* Only calls that change something stop: of open(2) those that make or empty a file. */
static void install_filter(void) {
  struct sock_filter filter[8 + CALLS * 6];
  size_t n = 0;
#define ADD(code, k, jt, jf) filter[n++] = (struct sock_filter){ code, jt, jf, k }
  ADD(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
  ADD(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
  ADD(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
  for (size_t i = 0; i < CALLS; i++) {
    int flags = calls[i].flags;
    ADD(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
    ADD(BPF_JMP | BPF_JEQ | BPF_K, calls[i].number, 0, flags < 0 ? 1 : 4);
    if (flags >= 0) {
      ADD(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + 8 * flags, 0, 0);
      ADD(BPF_JMP | BPF_JSET | BPF_K, O_CREAT | O_TRUNC, 1, 0);
      ADD(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
    }
    ADD(BPF_RET | BPF_K, SECCOMP_RET_TRACE, 0, 0);
  }
  ADD(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
  struct sock_fprog program = { (unsigned short)n, filter };
  if (geteuid() != 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) die("no_new_privs");
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) die("seccomp");
}

static void link_of(const char *proc, char *to, size_t size) {
  ssize_t length = readlink(proc, to, size - 1);
  to[length < 0 ? 0 : length] = 0;
}

static void path_of_fd(pid_t pid, int fd, char *to, size_t size) {
  char proc[64];
  if (fd == AT_FDCWD) snprintf(proc, sizeof proc, "/proc/%d/cwd", pid);
  else snprintf(proc, sizeof proc, "/proc/%d/fd/%d", pid, fd);
  link_of(proc, to, size);
}

static void read_string(pid_t pid, unsigned long address, char *to, size_t size) {
  to[0] = 0;
  if (address == 0) return;
  size_t done = 0;
  while (done < size - 1) {
    size_t part = 256 - (address + done) % 256;
    if (part > size - 1 - done) part = size - 1 - done;
    struct iovec local = { to + done, part }, remote = { (void *)(address + done), part };
    ssize_t got = process_vm_readv(pid, &local, 1, &remote, 1, 0);
    if (got <= 0) break;
    if (memchr(to + done, 0, got)) return;
    done += got;
  }
  to[done] = 0;
}

static void path_at(pid_t pid, int fd, unsigned long address, char *to, size_t size) {
  char name[4096], directory[2048];
  read_string(pid, address, name, sizeof name);
  if (name[0] == '/') { snprintf(to, size, "%s", name); return; }
  path_of_fd(pid, fd, directory, sizeof directory);
  if (name[0] == 0) snprintf(to, size, "%s", directory);
  else snprintf(to, size, "%s/%s", directory, name);
}

static int is_below(const char *path) {
  return strncmp(path, below, below_length) == 0 && (path[below_length] == '/' || path[below_length] == 0);
}

/* Whether a call changes something below the directory, and what. */
static int describe(pid_t pid, const struct call *call, const struct user_regs_struct *r, char *what, size_t size) {
  char one[4096] = "", two[4096] = "";
  switch (call->shape) {
    case IOCTL:
      if (r->rsi != FICLONE_CALL && r->rsi != FICLONERANGE_CALL && r->rsi != SETFLAGS_CALL && r->rsi != SETFLAGS32_CALL)
        return 0;
      /* fall through */
    case FD: path_of_fd(pid, (int)r->rdi, one, sizeof one); break;
    case PATH: path_at(pid, AT_FDCWD, r->rdi, one, sizeof one); break;
    case AT: path_at(pid, (int)r->rdi, r->rsi, one, sizeof one); break;
    case TWO_PATHS:
      path_at(pid, AT_FDCWD, r->rdi, one, sizeof one);
      path_at(pid, AT_FDCWD, r->rsi, two, sizeof two);
      break;
    case TWO_AT:
      path_at(pid, (int)r->rdi, r->rsi, one, sizeof one);
      path_at(pid, (int)r->rdx, r->r10, two, sizeof two);
      break;
    case LINK: path_at(pid, AT_FDCWD, r->rsi, one, sizeof one); break;
    case LINK_AT: path_at(pid, (int)r->rsi, r->rdx, one, sizeof one); break;
    case COPY_RANGE: path_of_fd(pid, (int)r->rdx, one, sizeof one); break;
    case START:
      path_at(pid, AT_FDCWD, r->rdi, one, sizeof one);
      /* The search in PATH tries them all. */
      if (!starts || access(one, X_OK) != 0) return 0;
      snprintf(what, size, "%s", one);
      return 1;
  }
  if (!is_below(one) && !(two[0] && is_below(two))) return 0;
  snprintf(what, size, "%s%s%s", one, two[0] ? " -> " : "", two);
  return 1;
}

static void note(pid_t pid, const struct call *call, const char *what) {
  if (!log_file) return;
  char proc[64], comm[32] = "?";
  snprintf(proc, sizeof proc, "/proc/%d/comm", pid);
  FILE *file = fopen(proc, "r");
  if (file) {
    if (fgets(comm, sizeof comm, file)) comm[strcspn(comm, "\n")] = 0;
    fclose(file);
  }
  fprintf(log_file, "%ld\t%s\t%s\t%s\n", point, comm, call->name, what);
  fflush(log_file);
}

/* Makes the call with half of what it was given, then puts the registers back. */
static void shorten(pid_t pid, const struct call *call, const struct user_regs_struct *before) {
  struct user_regs_struct r = *before;
  struct iovec first;
  struct iovec local = { &first, sizeof first }, remote = { (void *)r.rsi, sizeof first };
  switch (call->number) {
    case SYS_write: case SYS_pwrite64: r.rdx = r.rdx > 1 ? r.rdx / 2 : r.rdx; break;
    case SYS_writev: case SYS_pwritev: case SYS_pwritev2:
      if (process_vm_readv(pid, &local, 1, &remote, 1, 0) != sizeof first) return;
      r.orig_rax = call->number == SYS_writev ? SYS_write : SYS_pwrite64;
      r.rsi = (unsigned long)first.iov_base;
      r.rdx = first.iov_len > 1 ? first.iov_len / 2 : first.iov_len;
      break;
    case SYS_sendfile: r.r10 = r.r10 > 1 ? r.r10 / 2 : r.r10; break;
    case SYS_copy_file_range: r.r8 = r.r8 > 1 ? r.r8 / 2 : r.r8; break;
    default: return;
  }
  if (ptrace(PTRACE_SETREGS, pid, 0, &r) != 0) return;
  int status;
  if (ptrace(PTRACE_SYSCALL, pid, 0, 0) != 0 || waitpid(pid, &status, __WALL) != pid) return;
  struct user_regs_struct after;
  if (!WIFSTOPPED(status) || ptrace(PTRACE_GETREGS, pid, 0, &after) != 0) return;
  r = *before;
  r.rax = after.rax;
  r.rip = after.rip;
  r.rcx = after.rcx;
  r.r11 = after.r11;
  r.orig_rax = -1;
  ptrace(PTRACE_SETREGS, pid, 0, &r);
}

static void fail(pid_t pid, const struct user_regs_struct *before, int error) {
  struct user_regs_struct r = *before;
  r.orig_rax = -1;
  r.rax = -error;
  ptrace(PTRACE_SETREGS, pid, 0, &r);
}

static pid_t process_of(pid_t tid) {
  char proc[64], line[256];
  pid_t found = tid;
  snprintf(proc, sizeof proc, "/proc/%d/status", tid);
  FILE *file = fopen(proc, "r");
  if (!file) return tid;
  while (fgets(line, sizeof line, file)) if (sscanf(line, "Tgid: %d", &found) == 1) break;
  fclose(file);
  return found;
}

/* Whether the call is one that is meant for us. */
static int take_orders(pid_t pid, const struct user_regs_struct *r) {
  static const char ours[] = "/.faultrun/";
  char path[4096];
  read_string(pid, r->rdi, path, sizeof path);
  if (strncmp(path, ours, strlen(ours)) != 0) return 0;
  forget_orders();
  int known = 1;
  for (char *word = strtok(path + strlen(ours), " "); word; word = strtok(NULL, " ")) known = take_order(word) && known;
  begin();
  fail(pid, r, known ? 0 : EINVAL);
  return 1;
}

static void at_call(pid_t pid) {
  struct user_regs_struct r;
  if (ptrace(PTRACE_GETREGS, pid, 0, &r) != 0) return;
  const struct call *call = NULL;
  for (size_t i = 0; i < CALLS; i++) if (calls[i].number == (int)r.orig_rax) call = &calls[i];
  if (call && call->number == SYS_mkdir && take_orders(pid, &r)) return;
  char what[8400];
  if (!call || !describe(pid, call, &r, what, sizeof what)) return;
  point++;
  note(pid, call, what);
  if (copies[0]) copy_tree();
  if (point == sync_at) write_out();
  if (at < 0 || point < at) return;
  if (strncmp(fault, "errors=", 7) == 0) { fail(pid, &r, atoi(fault + 7)); return; }
  if (point > at) return;
  if (strcmp(fault, "kill") == 0) kill_all();
  else if (strcmp(fault, "kill-one") == 0) kill(process_of(pid), SIGKILL);
  else if (strncmp(fault, "error=", 6) == 0) fail(pid, &r, atoi(fault + 6));
  else if (strcmp(fault, "short") == 0) shorten(pid, call, &r);
  else if (strncmp(fault, "cut=", 4) == 0) cut_power();
  else if (strncmp(fault, "stop=", 5) == 0) {
    kill(-leader, SIGSTOP);
    usleep(1000 * atoi(fault + 5));
    kill_all();
  }
}

static pid_t start(char **argv) {
  pid_t pid = fork();
  if (pid < 0) die("fork");
  if (pid > 0) return pid;
  setsid();
  raise(SIGSTOP);
  install_filter();
  execvp(argv[0], argv);
  perror(argv[0]);
  _exit(99);
}

int main(int argc, char **argv) {
  int i = 1;
  forget_orders();
  for (; i < argc && strcmp(argv[i], "--") != 0; i++)
    if (!take_order(argv[i])) { fprintf(stderr, "faultrun: %s?\n", argv[i]); return 99; }
  if (i + 1 >= argc) { fprintf(stderr, "faultrun: no program\n"); return 99; }
  struct sigaction action = { .sa_handler = on_alarm };
  sigaction(SIGALRM, &action, NULL);
  begin();

  leader = start(argv + i + 1);
  int status, result = 99;
  if (waitpid(leader, &status, WUNTRACED) != leader) die("waitpid");
  long options = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
                 PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD;
  if (ptrace(PTRACE_SEIZE, leader, 0, options) != 0) die("ptrace");
  kill(leader, SIGCONT);
  for (;;) {
    pid_t pid = waitpid(-1, &status, __WALL);
    if (alarmed) {
      alarmed = 0;
      cut_power();
    }
    if (pid < 0) {
      if (errno == EINTR) continue;
      break;
    }
    if (WIFEXITED(status) || WIFSIGNALED(status)) {
      if (pid == leader) result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      continue;
    }
    if (!WIFSTOPPED(status)) continue;
    if (killing) {
      kill(pid, SIGKILL);
      continue;
    }
    int signal = WSTOPSIG(status), event = status >> 16;
    if (event == PTRACE_EVENT_SECCOMP) at_call(pid);
    if (event == PTRACE_EVENT_STOP) {
      /* A group stop, or the beginning of a task. */
      if (signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU) {
        ptrace(PTRACE_LISTEN, pid, 0, 0);
        continue;
      }
      signal = 0;
    } else if (event != 0 || signal == (SIGTRAP | 0x80)) signal = 0;
    ptrace(PTRACE_CONT, pid, 0, signal);
  }
  return result;
}
