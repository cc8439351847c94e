package control

import (
	"context"
	"net"
	"net/http"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// losing is a way to the cloud on which the first answer gets lost, after the
// cloud has done what was asked.
type losing struct {
	ec2.HTTPClient

	lost bool
}

func (l *losing) Do(request *http.Request) (*http.Response, error) {
	response, err := l.HTTPClient.Do(request)
	if err != nil || l.lost {
		return response, err
	}
	l.lost = true
	response.Body.Close()
	return nil, &net.OpError{Op: "read", Err: syscall.ECONNRESET}
}

// ruleWithALostAnswer makes a rule, which has no client token, with a client
// that has to ask twice.
func ruleWithALostAnswer(ctx context.Context, f *fidelity) error {
	way := &losing{HTTPClient: f.api.Options().HTTPClient}
	api := ec2.New(f.api.Options(), func(o *ec2.Options) { o.HTTPClient = way })
	_, err := api.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{
		GroupId: &f.group,
		IpPermissions: []types.IpPermission{{
			IpProtocol: aws.String("tcp"), FromPort: aws.Int32(8081), ToPort: aws.Int32(8081),
			IpRanges: []types.IpRange{{CidrIp: aws.String("10.0.0.0/8")}},
		}},
	})
	if err == nil && !way.lost {
		f.t.Error("no answer was lost")
	}
	return err
}
