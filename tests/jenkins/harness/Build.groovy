/** One build of a job: its parameters, its environment, what happened in it. */
class Build {
  final Properties given
  final File workspace
  final Steps steps
  final Map<String, String> env = [:]
  final Map<String, String> params = [:]
  final boolean timer
  String result = 'SUCCESS'
  PipelineModel pipeline
  JenkinsScript script
  private final File journal

  Build(Properties given) {
    this.given = given
    workspace = new File(given.workspace as String)
    journal = new File(given.journal as String)
    journal.text = ''
    timer = given.trigger == 'timer'
    env.BRANCH_NAME = given.branch
    if (given.change) {
      env.CHANGE_URL = given.change
      env.CHANGE_ID = given.change.split('/').last()
    }
    env.BUILD_URL = 'https://jenkins.example.com/job/kraftstack/1/'
    env.WORKSPACE = workspace.path
    steps = new Steps(this)
  }

  /** A line of what happened: what the test reads. */
  void note(CharSequence line) { journal << line.toString().readLines().first() + '\n' }

  void defaults(List<Map> parameters) {
    parameters.each { params[it.name] = it.value }
    given.stringPropertyNames().findAll { it.startsWith('param.') }.each { key ->
      def name = key - 'param.'
      def parameter = parameters.find { it.name == name }
      if (!parameter) throw new Refused("the job has no parameter ${name}")
      if (parameter.choices && !(given[key] in parameter.choices)) throw new Refused("parameter ${name} may not be ${given[key]}")
      params[name] = given[key]
    }
  }

  /** A variable that every Jenkinsfile has. */
  def variable(String name) {
    switch (name) {
      case 'env': return env
      case 'params': return params
      case 'none': return 'none'
      default: throw new Refused("no variable '${name}'")
    }
  }

  void run() { pipeline.stages.each { one(it) } }

  /** After a failed stage the later ones are skipped, as Jenkins does. */
  private void one(StageModel stage) {
    if (result != 'SUCCESS') {
      note "skipped ${stage.name}, after ${result}"
      return
    }
    if (stage.when && !Model.read(new WhenModel(this), stage.when).holds()) {
      note "skipped ${stage.name}"
      return
    }
    note "stage ${stage.name}"
    if (stage.options?.lock) note "lock ${stage.options.lock}"
    steps.agent = stage.agent
    guarded {
      if (stage.steps) steps.within(stage.steps)
      stage.stages.each { one(it) }
    }
    steps.agent = stage.agent
    if (result != 'SUCCESS' && stage.post.unsuccessful) guarded { steps.within(stage.post.unsuccessful) }
    if (stage.post.always) guarded { steps.within(stage.post.always) }
    if (stage.options?.lock) note "released ${stage.options.lock}"
  }

  private void guarded(Closure body) {
    try {
      body()
    } catch (Failed e) {
      note "failed ${e.message}"
      if (result == 'SUCCESS') result = 'FAILURE'
    } catch (Aborted e) {
      note "aborted ${e.message}"
      result = 'ABORTED'
    }
  }
}
