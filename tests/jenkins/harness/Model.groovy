/** A part of the declarative pipeline: its methods are the directives that may stand in it. */
abstract class Model {
  final Build build

  Model(Build build) { this.build = build }

  /** Reads a block: everything in it must be a directive of the model. */
  static <T extends Model> T read(T model, Closure block) {
    def copy = block.clone() as Closure
    copy.delegate = model
    copy.resolveStrategy = Closure.DELEGATE_ONLY
    copy()
    model
  }

  def methodMissing(String name, arguments) { throw new Refused("no directive '${name}' in ${getClass().simpleName}") }

  def propertyMissing(String name) { build.variable(name) }
}

class PipelineModel extends Model {
  List<StageModel> stages = []
  List<Map> parameters = []

  PipelineModel(Build build) { super(build) }

  def agent(String kind) { if (kind != 'none') throw new Refused("agent ${kind}") }

  def options(Closure block) { Model.read(new OptionsModel(build, true), block) }

  def triggers(Closure block) { Model.read(new TriggersModel(build), block) }

  def parameters(Closure block) {
    parameters = Model.read(new ParametersModel(build), block).all
    build.defaults(parameters)
  }

  def stages(Closure block) { stages = Model.read(new StagesModel(build), block).all }
}

class OptionsModel extends Model {
  final boolean whole
  String lock
  boolean bounded

  OptionsModel(Build build, boolean whole) { super(build); this.whole = whole }

  def timeout(Map o) {
    if (o.keySet() != ['time', 'unit'] as Set || !(o.unit in ['MINUTES', 'HOURS'])) throw new Refused("timeout ${o}")
    bounded = true
  }

  def lock(Map o) {
    if (whole || o.keySet() != ['resource'] as Set) throw new Refused("lock ${o}")
    lock = o.resource
  }

  def buildDiscarder(Map rotator) { onlyWhole('buildDiscarder') }

  def logRotator(Map o) { o }

  def disableConcurrentBuilds() { onlyWhole('disableConcurrentBuilds') }

  def timestamps() { onlyWhole('timestamps') }

  private void onlyWhole(String name) { if (!whole) throw new Refused("option ${name} in a stage") }
}

class TriggersModel extends Model {
  TriggersModel(Build build) { super(build) }

  def cron(String spec) { if (spec) build.note "cron ${spec}" }
}

class ParametersModel extends Model {
  List<Map> all = []

  ParametersModel(Build build) { super(build) }

  def string(Map o) { add(o, ['name', 'defaultValue', 'description'], o.defaultValue) }

  def choice(Map o) { add(o, ['name', 'choices', 'description'], o.choices.first()) }

  private void add(Map o, List keys, value) {
    if (o.keySet() != keys as Set) throw new Refused("parameter ${o}")
    all << [name: o.name, value: value, choices: o.choices]
  }
}

class StagesModel extends Model {
  List<StageModel> all = []

  StagesModel(Build build) { super(build) }

  def stage(String name, Closure block) { all << Model.read(new StageModel(build, name), block) }
}

class StageModel extends Model {
  final String name
  boolean agent
  Closure when
  Closure steps
  OptionsModel options
  Map<String, Closure> post = [:]
  List<StageModel> stages = []

  StageModel(Build build, String name) { super(build); this.name = name }

  def agent(Closure block) {
    Model.read(new AgentModel(build), block)
    agent = true
  }

  def when(Closure block) { when = block }

  /** Read when the stage begins: its values are of the build, not of the file. */
  def options(Closure block) { options = Model.read(new OptionsModel(build, false), block) }

  def steps(Closure block) { steps = block }

  def post(Closure block) { post = Model.read(new PostModel(build), block).conditions }

  def stages(Closure block) { stages = Model.read(new StagesModel(build), block).all }
}

class AgentModel extends Model {
  AgentModel(Build build) { super(build) }

  def label(String name) { }
}

class PostModel extends Model {
  Map<String, Closure> conditions = [:]

  PostModel(Build build) { super(build) }

  def always(Closure block) { conditions.always = block }

  def unsuccessful(Closure block) { conditions.unsuccessful = block }
}

/** The conditions of `when`; each answers whether it holds. */
class WhenModel extends Model {
  List<Boolean> answers = []

  WhenModel(Build build) { super(build) }

  def branch(String name) { answers << (build.env.BRANCH_NAME == name) }

  def changeRequest() { answers << (build.env.CHANGE_ID != null) }

  def triggeredBy(String cause) {
    if (!(cause in ['TimerTrigger', 'UserIdCause'])) throw new Refused("triggeredBy ${cause}")
    answers << (cause == (build.timer ? 'TimerTrigger' : 'UserIdCause'))
  }

  def expression(Closure block) { answers << (build.steps.within(block) as boolean) }

  def allOf(Closure block) { answers << Model.read(new WhenModel(build), block).answers.every() }

  def anyOf(Closure block) { answers << Model.read(new WhenModel(build), block).answers.any() }

  def not(Closure block) { answers << !Model.read(new WhenModel(build), block).answers.every() }

  /** Several conditions side by side must all hold. */
  boolean holds() { answers.every() }
}
