package lab_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// sslyzeScan is what sslyze found at one port, as far as the story asks.
type sslyzeScan struct {
	Location struct {
		Port int `json:"port"`
	} `json:"server_location"`
	Connectivity struct {
		ClientAuth string `json:"client_auth_requirement"`
	} `json:"connectivity_result"`
	Result map[string]json.RawMessage `json:"scan_result"`
}

// sslyzeFindsNothing: a scanner that shares no code with openssl's command finds
// no old protocol, no weak cipher, no known hole, and the right chain and name at
// every listener. It runs on a broker: no other host reaches all ports.
func sslyzeFindsNothing(t *testing.T, s story, stack, host string) {
	const dir = "/tmp/sslyze"
	name := host + "." + stack + ".kafka.internal"
	files := s.wheels(t, "sslyze")
	var outputs struct{ CaCertificate string }
	s.mustJSON(t, &outputs, "outputs", "--stack", stack)
	files["ca.pem"] = []byte(outputs.CaCertificate)
	python := s.sendPython(t, stack, host, dir, files)
	store := tlsDir + "member.keystore.pem"
	for authority, of := range map[string]struct {
		ports string
		login string
	}{
		tlsDir + "members.pem": {name + ":9091 " + name + ":9093", " --cert " + store + " --key " + store},
		dir + "/ca.pem":        {name + ":9092 " + name + ":9094", ""},
	} {
		out := s.script(t, stack, host, python+"-W ignore -m sslyze --json_out=- --certinfo --certinfo_ca_file "+authority+of.login+
			" --sslv2 --sslv3 --tlsv1 --tlsv1_1 --tlsv1_2 --tlsv1_3 --heartbleed --openssl_ccs --robot --compression --fallback "+of.ports+"\n")
		var found struct {
			Scans []sslyzeScan `json:"server_scan_results"`
		}
		if err := json.Unmarshal([]byte(out), &found); err != nil || len(found.Scans) != 2 {
			t.Fatalf("sslyze says nothing about %s: %v\n%s", of.ports, err, out)
		}
		for _, scan := range found.Scans {
			t.Run(fmt.Sprint(scan.Location.Port), func(t *testing.T) { scan.judge(t) })
		}
	}
	s.ssh(t, stack, host, "sudo rm -rf "+dir)
}

// answer reads one of the scan's commands, which must have come to an end.
func (s sslyzeScan) answer(t *testing.T, command string, into any) {
	t.Helper()
	result := struct {
		Status string `json:"status"`
		Result any    `json:"result"`
	}{Result: into}
	if err := json.Unmarshal(s.Result[command], &result); err != nil || result.Status != "COMPLETED" {
		t.Fatalf("%s ended as %q: %v", command, result.Status, err)
	}
}

func (s sslyzeScan) judge(t *testing.T) {
	// What is offered, and so many suites were tried that a refusal says something.
	modern := []string{
		"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
		"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
	}
	for version, offered := range map[string]bool{"ssl_2_0": false, "ssl_3_0": false, "tls_1_0": false, "tls_1_1": false, "tls_1_2": true, "tls_1_3": true} {
		var suites struct {
			Accepted []struct {
				Suite struct {
					Name string `json:"name"`
				} `json:"cipher_suite"`
			} `json:"accepted_cipher_suites"`
		}
		s.answer(t, version+"_cipher_suites", &suites)
		if len(suites.Accepted) > 0 != offered {
			t.Errorf("%s: %v", version, suites.Accepted)
		}
		for _, one := range suites.Accepted {
			if !slices.Contains(modern, one.Suite.Name) {
				t.Errorf("%s takes %s", version, one.Suite.Name)
			}
		}
	}
	var holes struct {
		CCS         bool   `json:"is_vulnerable_to_ccs_injection"`
		Heartbleed  bool   `json:"is_vulnerable_to_heartbleed"`
		Compression bool   `json:"supports_compression"`
		Fallback    bool   `json:"supports_fallback_scsv"`
		Robot       string `json:"robot_result"`
	}
	for _, command := range []string{"openssl_ccs_injection", "heartbleed", "tls_compression", "tls_fallback_scsv", "robot"} {
		s.answer(t, command, &holes)
	}
	if holes.CCS || holes.Heartbleed || holes.Compression || !holes.Fallback || !strings.HasPrefix(holes.Robot, "NOT_VULNERABLE") {
		t.Errorf("known holes: %+v", holes)
	}
	s.judgeCertificate(t)
}

// judgeCertificate: the chain leads to the given authority, and the name fits,
// which is a part of the validation.
func (s sslyzeScan) judgeCertificate(t *testing.T) {
	var info struct {
		Deployments []struct {
			OrderIsValid bool `json:"received_chain_has_valid_order"`
			Paths        []struct {
				Store struct {
					Name string `json:"name"`
				} `json:"trust_store"`
				Valid bool   `json:"was_validation_successful"`
				Error string `json:"validation_error"`
			} `json:"path_validation_results"`
		} `json:"certificate_deployments"`
	}
	s.answer(t, "certificate_info", &info)
	checked := 0
	for _, deployment := range info.Deployments {
		for _, path := range deployment.Paths {
			own := path.Store.Name == "Supplied CA file"
			if own {
				checked++
			}
			if path.Valid != own || !deployment.OrderIsValid {
				t.Errorf("trusted by %s: %t %s; the chain is in order: %t", path.Store.Name, path.Valid, path.Error, deployment.OrderIsValid)
			}
		}
	}
	if checked != 1 {
		t.Errorf("%d certificates were checked against the authority", checked)
	}
	if mutual := s.Location.Port == 9094; mutual != (s.Connectivity.ClientAuth == "REQUIRED") {
		t.Errorf("a client's certificate is %s", s.Connectivity.ClientAuth)
	}
}
