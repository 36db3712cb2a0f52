"""The same job with orjson and networkx: OpenAPI documents in, waves out.

Does less than edfi-plan: no natural keys, no ambiguity, no authorization, no requiredness, no deferral.
"""

import re
import sys

import networkx
import orjson

documents = [orjson.loads(open(name, "rb").read()) for name in sys.argv[1:]]
schemas, resources = {}, {}
for document in documents:
    schemas.update(document.get("components", {}).get("schemas") or document.get("definitions", {}))
for document in documents:
    for path, item in document["paths"].items():
        if path.count("/") == 2 and "post" in item:
            body = item["post"].get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
            if body:
                resources[path] = body["$ref"].rsplit("/", 1)[1]
by_schema = {schema.lower(): path for path, schema in resources.items()}
descriptors = {schema.split("_")[1].lower(): path for path, schema in resources.items() if path.endswith("Descriptors")}
children = {"edfi_educationorganization": [], "edfi_generalstudentprogramassociation": []}


def walk(schema, seen):
    for name, prop in schema.get("properties", {}).items():
        prop = prop.get("items", prop)
        target = prop.get("$ref", "").rsplit("/", 1)[-1]
        if target.endswith("Reference"):
            yield "reference", target[: -len("Reference")].rstrip("_").lower()
        elif target:
            if target not in seen:
                seen.add(target)
                yield "child", target
                yield from walk(schemas[target], seen)
        elif name.endswith("Descriptor"):
            yield "descriptor", name


found = {path: list(walk(schemas[schema], {schema})) for path, schema in resources.items()}
for path, uses in found.items():
    for kind, name in uses:
        for base in children:
            if kind == "child" and name.lower().startswith(base) and not resources[path].lower().startswith(base):
                children[base].append(path)
graph = networkx.DiGraph()
graph.add_nodes_from(resources)
for path, uses in found.items():
    for kind, name in uses:
        if kind == "reference":
            targets = [by_schema[name]] if name in by_schema else children.get(name, [])
        elif kind == "descriptor":
            words = [m.start() for m in re.finditer("[A-Z]|^", name)]
            targets = [descriptors[name[i:].lower()] for i in words if name[i:].lower() in descriptors][:1]
        else:
            targets = []
        graph.add_edges_from((target, path) for target in targets if target != path)
while not networkx.is_directed_acyclic_graph(graph):
    graph.remove_edge(*networkx.find_cycle(graph)[-1][:2])
for number, wave in enumerate(networkx.topological_generations(graph), 1):
    print(number, *sorted(wave))
