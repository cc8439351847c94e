"""VPC endpoints: gateway endpoints for S3, interface endpoints of a few services."""

from moto.ec2.models import EC2Backend, vpcs

from .errors import NotEmulated, refuse
from .patch import around

INTERFACES = ("ssm", "ssmmessages", "ec2messages")  # those that the lab has


def short_name(backend, service_name):
    prefix = f"com.amazonaws.{backend.region_name}."
    name = service_name[len(prefix):] if service_name.startswith(prefix) else ""
    if name not in ("s3", *INTERFACES):
        refuse("InvalidServiceName", f"The Vpc Endpoint Service '{service_name}' does not exist")
    return name


def drop_routes(backend, endpoint, table_id):
    if table_id in backend.route_tables:
        routes = backend.route_tables[table_id]._routes
        for key in [k for k, route in routes.items() if route.gateway_id == endpoint.id]:
            del routes[key]


def dress(backend, endpoint, eni_id):
    """Makes an interface look like one of the endpoint's."""
    eni = backend.enis[eni_id]
    eni.description = f"VPC Endpoint Interface {endpoint.id}"
    eni.status = "in-use"
    eni._group_set = [backend.get_security_group_from_id(g) for g in endpoint.security_group_ids]


def move_interfaces(backend, endpoint, add, remove):
    gone = [i for i in endpoint.network_interface_ids if backend.enis[i].subnet.id in remove]
    for eni_id in gone:
        del backend.enis[eni_id]
    endpoint.network_interface_ids = [i for i in endpoint.network_interface_ids if i not in gone]
    for subnet_id in add:
        subnet = backend.get_subnet(subnet_id)
        if subnet.availability_zone in [backend.enis[i].subnet.availability_zone for i in endpoint.network_interface_ids]:
            refuse("DuplicateSubnetsInSameZone", f"Found another VPC endpoint subnet in the availability zone of {subnet_id}.")
        eni = backend.create_network_interface(subnet_id, None)
        endpoint.network_interface_ids.append(eni.id)
        dress(backend, endpoint, eni.id)


def install():
    vpcs.random_private_ip = lambda: None  # the subnet's order decides: see addresses.py

    @around(EC2Backend, "create_vpc_endpoint")
    def create_vpc_endpoint(original, self, vpc_id, service_name, endpoint_type, policy_document, route_table_ids,
                            subnet_ids=None, *args, **kwargs):
        name = short_name(self, service_name)
        gateway = (endpoint_type or "Gateway").lower() == "gateway"
        if gateway != (name == "s3"):
            raise NotEmulated(f"{'gateway' if gateway else 'interface'} endpoints for {name}")
        self.get_vpc(vpc_id)
        for other in self.vpc_end_points.values():
            if gateway and other.service_name == service_name and set(other.route_table_ids) & set(route_table_ids):
                refuse("RouteAlreadyExists", f"route table already has a route to {service_name}")
        for table_id in route_table_ids:
            if self.get_route_table(table_id).vpc_id != vpc_id:
                refuse("InvalidParameter", f"Route table {table_id} and VPC {vpc_id} belong to different networks")
        endpoint = original(self, vpc_id, service_name, "Gateway" if gateway else "Interface", policy_document,
                            route_table_ids, subnet_ids, *args, **kwargs)
        for eni_id in endpoint.network_interface_ids:
            dress(self, endpoint, eni_id)
        return endpoint

    @around(EC2Backend, "modify_vpc_endpoint")
    def modify_vpc_endpoint(original, self, vpc_id, policy_doc, add_subnets=None, remove_subnets=None,
                            add_route_tables=None, remove_route_tables=None, **kwargs):
        """AWS moves the routes with the list of tables, and the interfaces with that of
        subnets; vpc_id is the endpoint's id."""
        endpoint = self.describe_vpc_endpoints(vpc_end_point_ids=[vpc_id])[0]
        if (add_subnets or remove_subnets) and endpoint.vpc_endpoint_type != "Interface":
            refuse("InvalidParameter", "Subnets are for interface endpoints")
        move_interfaces(self, endpoint, add_subnets or [], remove_subnets or [])
        for table_id in remove_route_tables or []:
            drop_routes(self, endpoint, table_id)
        for table_id in add_route_tables or []:
            self.create_route(
                table_id, None, gateway_id=endpoint.id, destination_prefix_list_id=endpoint.destination_prefix_list_id
            )
        return original(self, vpc_id=vpc_id, policy_doc=policy_doc, add_subnets=add_subnets, remove_subnets=remove_subnets,
                        add_route_tables=add_route_tables, remove_route_tables=remove_route_tables, **kwargs)

    @around(EC2Backend, "delete_vpc_endpoints")
    def delete_vpc_endpoints(original, self, vpce_ids=None):
        """AWS takes the endpoint's routes and interfaces away with it, and soon
        after the endpoint from the list."""
        for endpoint_id in vpce_ids or []:
            endpoint = self.vpc_end_points.pop(endpoint_id, None)
            if endpoint is None:
                refuse("InvalidVpcEndpointId.NotFound", f"The Vpc Endpoint Id '{endpoint_id}' does not exist")
            for eni_id in endpoint.network_interface_ids:
                self.enis.pop(eni_id, None)
            for table_id in endpoint.route_table_ids:
                drop_routes(self, endpoint, table_id)

    @around(EC2Backend, "delete_vpc")
    def delete_vpc(original, self, vpc_id):
        """AWS keeps a VPC with endpoints in it."""
        if any(e.vpc_id == vpc_id for e in self.vpc_end_points.values()):
            refuse("DependencyViolation", f"The vpc '{vpc_id}' has dependencies and cannot be deleted.")
        return original(self, vpc_id)
