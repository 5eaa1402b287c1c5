"""What other programs open: graph files, tables, objects of other libraries, and comparisons as pages."""

from explorer.export.comparison_page import comparison_html, family_html
from explorer.export.files import ExportFormat, ExportReport, association_graph, dataset_graph, export
from explorer.export.graph import Edges, FileGraph, Nodes
from explorer.export.graph_page import DrawnColouring, DrawnGraph, DrawnNode, graph_html
from explorer.export.json_graph import write_cytoscape, write_node_link
from explorer.export.markup import write_gexf, write_graphml
from explorer.export.networks import to_igraph, to_networkx

__all__ = [
    "DrawnColouring",
    "DrawnGraph",
    "DrawnNode",
    "Edges",
    "ExportFormat",
    "ExportReport",
    "FileGraph",
    "Nodes",
    "association_graph",
    "comparison_html",
    "dataset_graph",
    "export",
    "family_html",
    "graph_html",
    "to_igraph",
    "to_networkx",
    "write_cytoscape",
    "write_gexf",
    "write_graphml",
    "write_node_link",
]
