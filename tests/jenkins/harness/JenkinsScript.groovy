/** What a Jenkinsfile is compiled to: its own functions may call every step. */
abstract class JenkinsScript extends Script {
  Build build

  def pipeline(@DelegatesTo(PipelineModel) Closure body) { build.pipeline = Model.read(new PipelineModel(build), body) }

  def methodMissing(String name, arguments) { build.steps.call(name, arguments as List) }

  def propertyMissing(String name) { build.variable(name) }
}

/** A directive, step or value that the harness does not know. */
class Refused extends RuntimeException {
  Refused(String message) { super(message) }
}

/** A step that failed, as `error` and a failing `sh` do. */
class Failed extends RuntimeException {
  Failed(String message) { super(message) }
}

/** The job was aborted, or a person said no. */
class Aborted extends RuntimeException {
  Aborted(String message) { super(message) }
}
