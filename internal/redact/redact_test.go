package redact

import "testing"

func TestText(t *testing.T) {
	for text, want := range map[string]string{
		"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\nafter":           "[secret]\nafter",
		"-----BEGIN PRIVATE KEY-----\ncut off":                                                          "[secret]",
		`-----BEGIN CERTIFICATE-----` + "\nAA":                                                          "-----BEGIN CERTIFICATE-----\nAA",
		`org.apache.kafka.common.security.scram.ScramLoginModule required username="a" password="p w";`: `org.apache.kafka.common.security.scram.ScramLoginModule required username="a" password=[secret];`,
		"ssl.keystore.password=changeit\nnext=1":                                                        "ssl.keystore.password=[secret]\nnext=1",
		"AWS_SECRET_ACCESS_KEY":                                                                         "AWS_SECRET_ACCESS_KEY",
		"x-token: abc.def":                                                                              "x-token: [secret]",
		"delegation.token.max.lifetime.ms=600":                                                          "delegation.token.max.lifetime.ms=600",
		"the password is asked for":                                                                     "the password is asked for",
		"https://bob:hunter2@artifacts.example.com/kafka.tgz?x=1":                                       "https://bob:[secret]@artifacts.example.com/kafka.tgz?x=1",
		"s3://bucket/prefix":                                                                            "s3://bucket/prefix",
		"[secret]":                                                                                      "[secret]",
	} {
		if got := Text(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
		if got := Text(want); got != want {
			t.Errorf("%q, redacted already, became %q", want, got)
		}
	}
}

func TestJSON(t *testing.T) {
	got, err := JSON(map[string]any{
		"privateKey": "ssh", "password": true, "count": int64(9007199254740993),
		"list": []string{"a <b>", "token=abc"}, "inner": map[string]string{"adminPassword": "p", "user": "root"},
	})
	const want = `{"count":9007199254740993,"inner":{"adminPassword":"[secret]","user":"root"},"list":["a <b>","token=[secret]"],"password":true,"privateKey":"[secret]"}`
	if err != nil || string(got) != want {
		t.Errorf("got  %s, %v\nwant %s", got, err, want)
	}
}
