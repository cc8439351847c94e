// The Pulumi program of a kraftstack stack.
package main

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"kraftstack/program"
)

func main() { pulumi.Run(program.Deploy) }
