package awsprovider

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

type keyPairArgs struct {
	KeyName   *string           `pulumi:"keyName,optional" provider:"replaceOnChanges"`
	PublicKey string            `pulumi:"publicKey" provider:"replaceOnChanges"`
	Tags      map[string]string `pulumi:"tags,optional"`
}

type keyPairState struct {
	keyPairArgs
	Arn         string            `pulumi:"arn"`
	Fingerprint string            `pulumi:"fingerprint"`
	KeyPairId   string            `pulumi:"keyPairId"`
	KeyType     string            `pulumi:"keyType"`
	TagsAll     map[string]string `pulumi:"tagsAll"`
}

func (s *keyPairState) made() bool { return s.KeyPairId != "" }

type keyPair struct{}

func (keyPair) token() (string, string) { return "ec2/keyPair", "KeyPair" }

func (keyPair) plan(c *cloud, old keyPairState, in keyPairArgs) keyPairState {
	old.keyPairArgs = in
	old.TagsAll = c.tagsAll(in.Tags)
	return old
}

// create: the id of a key pair is its name, as with the real provider.
func (keyPair) create(ctx context.Context, c *cloud, in keyPairArgs, st *keyPairState) (string, error) {
	req, done := once(ctx)
	defer done()
	out, err := c.ec2.ImportKeyPair(req, &ec2.ImportKeyPairInput{
		KeyName:           in.KeyName,
		PublicKeyMaterial: []byte(in.PublicKey),
		TagSpecifications: ec2TagSpec(types.ResourceTypeKeyPair, st.TagsAll),
	})
	if err != nil {
		return "", failed("ImportKeyPair", aws.ToString(in.KeyName), err)
	}
	id := aws.ToString(out.KeyName)
	k, err := describeKeyPair(req, c, id)
	if err != nil {
		return id, err
	}
	st.Fingerprint = aws.ToString(k.KeyFingerprint)
	st.KeyPairId = aws.ToString(k.KeyPairId)
	st.KeyType = string(k.KeyType)
	st.Arn, err = c.ownArn(req, "key-pair/"+id)
	return id, err
}

func describeKeyPair(ctx context.Context, c *cloud, name string) (types.KeyPairInfo, error) {
	out, err := c.ec2.DescribeKeyPairs(ctx, &ec2.DescribeKeyPairsInput{KeyNames: []string{name}})
	if notFound(err) || err == nil && len(out.KeyPairs) == 0 {
		return types.KeyPairInfo{}, errGone
	}
	if err != nil {
		return types.KeyPairInfo{}, failed("DescribeKeyPairs", name, err)
	}
	return out.KeyPairs[0], nil
}

func (keyPair) read(ctx context.Context, c *cloud, id string, in *keyPairArgs, st *keyPairState) error {
	k, err := describeKeyPair(ctx, c, id)
	if err != nil {
		return err
	}
	st.TagsAll, in.Tags = c.foundTags(fromEC2Tags(k.Tags), in.Tags)
	st.Fingerprint = aws.ToString(k.KeyFingerprint)
	st.KeyPairId = aws.ToString(k.KeyPairId)
	st.keyPairArgs = *in
	return nil
}

func (keyPair) update(ctx context.Context, c *cloud, _ string, old keyPairState, _ keyPairArgs, st *keyPairState) error {
	return c.retag(ctx, old.KeyPairId, old.TagsAll, st.TagsAll)
}

func (keyPair) remove(ctx context.Context, c *cloud, id string, _ keyPairState) error {
	return deleting(ctx, "DeleteKeyPair", id, func(ctx context.Context) error {
		_, err := c.ec2.DeleteKeyPair(ctx, &ec2.DeleteKeyPairInput{KeyName: aws.String(id)})
		return err
	})
}
