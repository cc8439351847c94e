# shellcheck shell=bash
# Has AWS's agent look for Session Manager as soon as it can be reached, on a host of a
# stack that loses its bastion: an agent that found it away before looks again only
# after minutes, in the end after an hour, unless it is started anew.
# Arguments: the name of a service that the agent speaks to, and the stack's network,
# into which the name leads once the stack has an endpoint for it. Run as root by sudo.
set -euo pipefail
service=$1 network=$2
readonly waiter=kraftstack-agent.service
program=$(cat <<'PROGRAM'
import ipaddress, socket, subprocess, sys, time

name, network, unit = sys.argv[1], ipaddress.ip_network(sys.argv[2]), sys.argv[3]


def leads_inside():
    try:
        found = socket.getaddrinfo(name, 443, socket.AF_INET)
    except OSError:
        return False
    return any(ipaddress.ip_address(one[4][0]) in network for one in found)


# The sleep only paces the questions; systemd ends the wait.
while not leads_inside():
    time.sleep(1)
subprocess.run(["systemctl", "restart", unit], check=True)
PROGRAM
)
for unit in snap.amazon-ssm-agent.amazon-ssm-agent.service amazon-ssm-agent.service ''; do
  if [[ -n $unit ]] && systemctl cat "$unit" >/dev/null 2>&1; then break; fi
done
if [[ -z $unit ]]; then
  echo 'there is no amazon-ssm-agent' >&2
  exit 3
fi
# Of an up before this one, which did not come that far.
systemctl stop "$waiter" 2>/dev/null || true
# The host does it by itself: by then the bastion leads here no more.
systemd-run --quiet --collect --unit="$waiter" --property=RuntimeMaxSec=3600 \
  --description="Start $unit anew when $service leads into $network" \
  python3 -I -c "$program" "$service" "$network" "$unit"
