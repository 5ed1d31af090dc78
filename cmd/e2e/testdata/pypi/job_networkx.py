# requires: networkx
"""Graphs: paths, components, flows, ranking."""

import networkx as nx


def handler(event, context):
    g = nx.DiGraph()
    g.add_weighted_edges_from([("a", "b", 4), ("a", "c", 1), ("c", "b", 2), ("b", "d", 5), ("c", "d", 8)])
    path = nx.dijkstra_path(g, "a", "d")
    flow = nx.maximum_flow_value(nx.DiGraph([(u, v, {"capacity": d["weight"]}) for u, v, d in g.edges(data=True)]), "a", "d")
    tree = sorted(map(list, nx.minimum_spanning_tree(nx.karate_club_graph(), weight=None).edges()))[:3]
    return [path, nx.dijkstra_path_length(g, "a", "d"), list(nx.topological_sort(g)), flow, tree, nx.number_connected_components(nx.Graph([(1, 2), (3, 4)])), nx.is_directed_acyclic_graph(g)]
