import java.util.concurrent.TimeUnit

/** One `sh`: a shell of its own, found again by a cookie in its environment, as Jenkins' agent does it. */
class Shell {
  static final COOKIE = 'JENKINS_SERVER_COOKIE'
  /** How long a process may take to end after SIGTERM before its parent is told (SoftKillWaitSeconds). */
  static final SOFT_KILL_SECONDS = 120

  private final File folder
  private final Map<String, String> environment
  private final File console
  int code
  boolean aborted
  String stdout = ''

  Shell(File folder, Map<String, String> environment, File console) {
    this.folder = folder
    this.environment = environment
    this.console = console
  }

  void run(String script, boolean keep, String abort, int leaves) {
    def cookie = "durable-${UUID.randomUUID()}".toString()
    def builder = new ProcessBuilder('/bin/sh', '-xe', '-c', script).directory(folder)
    builder.environment().putAll(environment + [(COOKIE): cookie])
    def process = builder.start()
    def readers = [reader(process.errorStream, abort, cookie, null), reader(process.inputStream, abort, cookie, keep ? new StringBuilder() : null)]
    while (!process.waitFor(100, TimeUnit.MILLISECONDS)) {
      if (aborted && !process.waitFor(leaves, TimeUnit.SECONDS)) {
        console << "harness: the process did not stop within ${leaves} s, the job goes on without it\n"
        return
      }
    }
    readers*.thread*.join()
    stdout = readers.last().kept?.toString() ?: ''
    code = process.exitValue()
  }

  private Map reader(InputStream stream, String abort, String cookie, StringBuilder kept) {
    def thread = Thread.startDaemon {
      stream.eachLine { line ->
        synchronized (this) { console << line + '\n' }
        kept?.append(line)?.append('\n')
        if (abort && !aborted && line =~ abort) {
          aborted = true
          Thread.startDaemon { killAll(cookie) }
        }
      }
    }
    [thread: thread, kept: kept]
  }

  /** Every process with the cookie, and below it all that it started, children first. */
  private void killAll(String cookie) {
    ProcessHandle.allProcesses().filter { marked(it, cookie) }.sorted().toList().each {
      if (marked(it, cookie)) killRecursively(it, System.nanoTime() + TimeUnit.SECONDS.toNanos(SOFT_KILL_SECONDS))
    }
  }

  private static boolean marked(ProcessHandle process, String cookie) {
    try {
      return new File("/proc/${process.pid()}/environ").text.split('\0').contains("${COOKIE}=${cookie}".toString())
    } catch (IOException ignored) {
      return false // it has ended
    }
  }

  private void killRecursively(ProcessHandle process, long deadline) {
    process.children().toList().each { killRecursively(it, deadline) }
    synchronized (this) { console << "harness: SIGTERM to ${process.pid()}\n" }
    process.destroy()
    try {
      process.onExit().get(Math.max(0L, deadline - System.nanoTime()), TimeUnit.NANOSECONDS)
    } catch (java.util.concurrent.TimeoutException ignored) {
      // The parent is told all the same.
    }
  }
}
