import javax.xml.parsers.DocumentBuilderFactory
import java.nio.file.FileSystems

/** The steps that the Jenkinsfile uses. A step, or an argument of one, that is not here is refused. */
class Steps {
  private final Build build
  private final Map<String, Map<String, byte[]>> stashes = [:]
  private final Map<String, String> credentials = [:]
  private final Map<String, String> store = [ // and what the scenario gives as secret.ID
    'kraftstack-passphrase': 'a-passphrase', 'kraftstack-backend': 'file:///nowhere', 'kraftstack-aws': 'an-id:a-key',
  ]
  /** Whether the running stage has a machine: `sh` and files need one. */
  boolean agent

  Steps(Build build) { this.build = build }

  /** Runs a block of steps. */
  def within(Closure block) {
    def copy = block.clone() as Closure
    copy.delegate = this
    copy.resolveStrategy = Closure.DELEGATE_FIRST
    copy()
  }

  /** A call that the Jenkinsfile makes: a step, or a function of its own. */
  def call(String name, List arguments) {
    if (build.script.metaClass.theClass.declaredMethods.any { it.name == name }) {
      return build.script.invokeMethod(name, arguments as Object[])
    }
    if (this.metaClass.respondsTo(this, name, arguments*.getClass() as Object[])) {
      return this.invokeMethod(name, arguments as Object[])
    }
    throw new Refused("no step '${name}' with ${arguments*.getClass()*.simpleName}")
  }

  def methodMissing(String name, arguments) {
    if (build.script.metaClass.theClass.declaredMethods.any { it.name == name }) {
      return build.script.invokeMethod(name, arguments)
    }
    throw new Refused("no step '${name}' with ${(arguments as List)*.getClass()*.simpleName}")
  }

  def propertyMissing(String name) { build.variable(name) }

  def script(Closure block) { within(block) }

  def error(CharSequence message) { throw new Failed(message.toString()) }

  def sh(CharSequence script) { execute(script.toString(), false, false) }

  def sh(Map o) {
    only('sh', o, ['script', 'returnStatus', 'returnStdout'])
    execute(o.script as String, o.returnStatus as boolean, o.returnStdout as boolean)
  }

  private execute(String script, boolean status, boolean stdout) {
    needsAgent('sh')
    def shell = new Shell(build.workspace, environment(), new File(build.given.console as String))
    shell.run(script, stdout, build.given.abort as String, (build.given.leaves ?: '20') as int)
    build.note "sh ${shell.aborted ? 'aborted' : shell.code} ${script}"
    if (shell.aborted) throw new Aborted('by a person')
    if (status) return shell.code
    if (shell.code != 0) throw new Failed("script returned exit code ${shell.code}")
    stdout ? shell.stdout : null
  }

  private Map<String, String> environment() { build.env + build.params + credentials }

  def string(Map o) {
    only('string', o, ['credentialsId', 'variable'])
    [(o.variable): secret(o.credentialsId as String)]
  }

  def usernamePassword(Map o) {
    only('usernamePassword', o, ['credentialsId', 'usernameVariable', 'passwordVariable'])
    def (name, password) = secret(o.credentialsId as String).split(':')
    [(o.usernameVariable): name, (o.passwordVariable): password]
  }

  private String secret(String id) {
    def value = store[id] ?: build.given["secret.${id}".toString()]
    if (!value) throw new Refused("no credentials ${id}")
    value
  }

  def withCredentials(List bindings, Closure block) {
    def bound = bindings.collectEntries { it as Map }
    credentials.putAll(bound)
    try {
      within(block)
    } finally {
      bound.keySet().each { credentials.remove(it) }
    }
  }

  def stash(Map o) {
    only('stash', o, ['name', 'includes'])
    needsAgent('stash')
    def files = matching(o.includes as String)
    if (!files) throw new Failed("no files for stash ${o.name}")
    stashes[o.name as String] = files.collectEntries { [(it): new File(build.workspace, it).bytes] }
    build.note "stash ${o.name} ${files.join(' ')}"
  }

  def unstash(String name) {
    needsAgent('unstash')
    if (!stashes.containsKey(name)) throw new Failed("no stash ${name}")
    stashes[name].each { path, bytes -> new File(build.workspace, path).bytes = bytes }
    build.note "unstash ${name}"
  }

  def input(Map o) {
    only('input', o, ['message', 'ok'])
    if (agent) throw new Refused('input in a stage that holds a machine')
    build.note "input ${build.given.input ?: 'nobody answers'}"
    new File(build.given.journal + '.input').text = o.message
    if (build.given.input == 'reject') throw new Aborted('rejected')
    if (build.given.input != 'approve') throw new Refused('a person is asked and the scenario has no answer')
  }

  def junit(Map o) {
    only('junit', o, ['testResults', 'allowEmptyResults'])
    needsAgent('junit')
    def cases = 0, failures = 0
    def files = matching(o.testResults as String)
    files.each {
      def root = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(new File(build.workspace, it)).documentElement
      cases += root.getElementsByTagName('testcase').length
      failures += root.getElementsByTagName('failure').length
    }
    if (!files && !o.allowEmptyResults) throw new Failed('no test results')
    build.note "junit ${files.join(' ')}: ${cases} cases, ${failures} failures"
  }

  def archiveArtifacts(Map o) {
    only('archiveArtifacts', o, ['artifacts', 'allowEmptyArchive'])
    needsAgent('archiveArtifacts')
    def files = matching(o.artifacts as String)
    if (!files && !o.allowEmptyArchive) throw new Failed('no artifacts')
    build.note "archive ${files.join(' ')}"
  }

  private void needsAgent(String step) { if (!agent) throw new Refused("${step} in a stage without an agent") }

  private static void only(String step, Map given, List known) {
    def unknown = given.keySet() - known
    if (unknown) throw new Refused("${step} with ${unknown.join(', ')}")
  }

  private List<String> matching(String pattern) {
    def matcher = FileSystems.default.getPathMatcher("glob:${pattern}")
    def root = build.workspace.toPath()
    def found = []
    build.workspace.eachFileRecurse { if (it.file) found << root.relativize(it.toPath()) }
    found.findAll { matcher.matches(it) }*.toString().sort()
  }
}
