"""What is drawn: graphs, maps, trees and figures as elements and arrays; pure functions, apart from callbacks."""
