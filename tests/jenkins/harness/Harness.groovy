// Runs a Jenkinsfile as Jenkins would, with the steps of Steps.groovy: `sh` really
// runs, the others record and check. Directives and steps that it does not know
// are refused.
//
//   groovy Harness.groovy JENKINSFILE SCENARIO
//
// SCENARIO is a properties file:
//   workspace, journal, console   folder of the checkout; file of what happened; file of the output
//   branch, change                BRANCH_NAME; CHANGE_URL of a pull request, or nothing
//   trigger                       user or timer
//   param.NAME                    a parameter that was given
//   input                         approve or reject, what the person answers
//   abort                         a pattern: the job is aborted when a line of output matches it
//   leaves                        seconds that an aborted `sh` is waited for (Jenkins: 20)

def (jenkinsfile, scenario) = args.collect { new File(it) }
def given = new Properties()
scenario.withReader { given.load(it) }
def build = new Build(given)

def configuration = new org.codehaus.groovy.control.CompilerConfiguration(scriptBaseClass: JenkinsScript.name)
def script = new GroovyShell(getClass().classLoader, new Binding(), configuration).parse(jenkinsfile)
script.build = build
build.script = script
try {
  script.run()
  if (build.pipeline == null) throw new Refused('the Jenkinsfile has no pipeline')
  build.run()
} catch (Refused e) {
  build.note "refused ${e.message}"
  System.err.println "harness: ${e.message}"
  System.exit 2
}
build.note "result ${build.result}"
