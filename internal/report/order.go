package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// compareComponents orders components as a reader follows a cluster: what
// hosts stand on, what spans them, then controllers before brokers, by number.
func compareComponents(a, b string) int {
	aName, aNumber := splitNumber(a)
	bName, bNumber := splitNumber(b)
	return cmp.Or(cmp.Compare(componentRank(aName), componentRank(bName)), cmp.Compare(aName, bName), cmp.Compare(aNumber, bNumber))
}

var (
	firstComponents = []string{"", "network", "access", "bastion", "quorum"}
	lastComponents  = []string{"fleet", "controller-", "broker-"}
)

func componentRank(name string) int {
	if i := slices.Index(firstComponents, name); i >= 0 {
		return i
	}
	others := len(firstComponents)
	return others + 1 + slices.Index(lastComponents, name)
}

// splitNumber splits broker-1001 into "broker-" and 1001.
func splitNumber(name string) (string, int) {
	digits := len(name) - len(strings.TrimRight(name, "0123456789"))
	n, err := strconv.Atoi(name[len(name)-digits:])
	if err != nil {
		return name, 0
	}
	return name[:len(name)-digits], n
}

// life is the order in which a node's parts are made; a part that is not here
// stands between host and software.
var (
	earlySteps = []string{"", "instance", "data", "data-attachment", "record"}
	lateSteps  = []string{"toolkit", "prepare", "install", "names", "configure", "stands", "live", "roll", "roll-leader"}
)

func compareSteps(a, b string) int {
	return cmp.Or(cmp.Compare(stepRank(a), stepRank(b)), cmp.Compare(a, b))
}

func stepRank(step string) int {
	if i := slices.Index(earlySteps, step); i >= 0 {
		return i
	}
	return len(earlySteps) + 1 + slices.Index(lateSteps, step)
}

// fewNames is how many names are written out before a list is shortened.
const fewNames = 4

// nameList writes names in the order given, runs of numbers as a range:
// "broker-1001 to broker-1300 (300)".
func nameList(names []string) string {
	if len(names) <= fewNames {
		return strings.Join(names, ", ")
	}
	var parts []string
	for i := 0; i < len(names); {
		end := i + 1
		for end < len(names) && follows(names[end-1], names[end]) {
			end++
		}
		if n := end - i; n > 2 {
			parts = append(parts, fmt.Sprintf("%s to %s (%d)", names[i], names[end-1], n))
		} else {
			parts = append(parts, names[i:end]...)
		}
		i = end
	}
	if more := len(parts) - maxNames; more > 0 {
		parts = append(parts[:maxNames], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(parts, ", ")
}

// maxNames bounds a list that has no ranges to shorten it by.
const maxNames = 20

// follows says whether b is the name after a: broker-1001, broker-1002. A
// place may have a step behind its component: "broker-1001 data".
func follows(a, b string) bool {
	aComponent, aStep, _ := strings.Cut(a, " ")
	bComponent, bStep, _ := strings.Cut(b, " ")
	aName, aNumber := splitNumber(aComponent)
	bName, bNumber := splitNumber(bComponent)
	return aStep == bStep && aName == bName && bNumber == aNumber+1 && aNumber > 0
}

// plural is a number with its noun.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
