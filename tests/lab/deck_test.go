package lab_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// change is what a step of the random story wants of the cluster.
type change string

const (
	aRoll        change = "a roll"
	aVersion     change = "another version of Kafka"
	aLiveSetting change = "a live setting"
	aUser        change = "a user"
	anotherType  change = "another instance type"
	moreDisk     change = "larger volumes"
	theBrokers   change = "a broker joins or leaves"
	theVoters    change = "controllers join or leave"
)

// fault is what goes wrong meanwhile.
type fault string

const (
	driverKilled   fault = "the driver killed"
	killedAtIt     fault = "the driver killed while members change"
	sshLost        fault = "SSH lost between gate and restart"
	secondDies     fault = "Kafka on a second broker killed while one restarts"
	kafkaKilled    fault = "Kafka killed"
	hostCrashed    fault = "a host crashed"
	bastionCrashed fault = "the bastion crashed"
	leaderKilled   fault = "the quorum's leader killed"
	logsCorrupt    fault = "Kafka killed and back with corrupt logs"
	diskFull       fault = "a disk full"
)

// drawn is a step of the random story: a card of its deck.
type drawn struct {
	change change
	fault  fault
	host   string        // a broker, where the fault is one's
	second string        // another one
	after  time.Duration // from the start of up, where the fault waits for nothing
}

// deal is a shuffled deck: every change and every fault. A driver is killed while
// brokers change and once more while controllers do, whatever the cards; what belongs
// to a roll falls into one. Only the first deck has another version of Kafka.
func deal(random *rand.Rand, first bool) []drawn {
	rolls := []change{aRoll, aRoll, aRoll}
	if first {
		rolls[0] = aVersion
	}
	of := func(changes []change, faults ...fault) (cards []drawn) {
		random.Shuffle(len(faults), func(i, j int) { faults[i], faults[j] = faults[j], faults[i] })
		for i, c := range changes {
			card := drawn{change: c, fault: faults[i], after: time.Duration(1+random.IntN(30)) * time.Second}
			hosts := random.Perm(len(three))
			card.host, card.second = three[hosts[0]], three[hosts[1]]
			cards = append(cards, card)
		}
		return cards
	}
	deck := of(rolls, sshLost, secondDies, driverKilled)
	deck = append(deck, of([]change{theBrokers, theVoters}, killedAtIt, killedAtIt)...)
	deck = append(deck, of([]change{theBrokers, theVoters, aLiveSetting, aUser, anotherType, moreDisk},
		kafkaKilled, hostCrashed, bastionCrashed, leaderKilled, logsCorrupt, diskFull)...)
	random.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
	return deck
}

func dealer(seed int) *rand.Rand { return rand.New(rand.NewPCG(uint64(seed), 0)) }

// TestDeck: whatever the seed, each deck has every change and every fault, and kills
// in the middle of changes of the cluster's members; the seed alone says which.
func TestDeck(t *testing.T) {
	orders := map[string]bool{}
	for seed := range 200 {
		random, again := dealer(seed), dealer(seed)
		for round := range 2 {
			deck := deal(random, round == 0)
			if !slices.Equal(deck, deal(again, round == 0)) {
				t.Fatalf("seed %d deals two decks", seed)
			}
			orders[fmt.Sprint(deck)] = true
			changes, faults := map[change]int{}, map[fault]int{}
			killed := map[change]bool{}
			for _, card := range deck {
				changes[card.change]++
				faults[card.fault]++
				if card.fault == killedAtIt {
					killed[card.change] = true
				}
				if card.host == card.second {
					t.Errorf("seed %d: %s is another broker than %s", seed, card.second, card.host)
				}
			}
			if !killed[theBrokers] || !killed[theVoters] || len(killed) != 2 {
				t.Errorf("seed %d: the driver is killed while these change: %v", seed, killed)
			}
			if len(changes) != 8-round || len(faults) != 10 || changes[theBrokers] != 2 || changes[theVoters] != 2 {
				t.Errorf("seed %d, deck %d: changes %v, faults %v", seed, round, changes, faults)
			}
		}
	}
	if len(orders) != 400 {
		t.Errorf("400 decks, of which %d differ", len(orders))
	}
}
